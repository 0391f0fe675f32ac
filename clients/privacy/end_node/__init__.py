"""What an end node does to its share before it ships it, a file each."""
