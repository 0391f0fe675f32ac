"""What is drawn."""

IMAGE_SHAPE = (32, 32, 3)  # height, width, channels, as SVHN's cropped digits
