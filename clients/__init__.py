"""The code that runs at the edge: the end nodes, and the fog node as a Flower ClientApp."""
