"""What runs at the edge: the end nodes and the fog node, a Flower ClientApp."""
