"""What a fog node does to its training and its dW, a file each."""
