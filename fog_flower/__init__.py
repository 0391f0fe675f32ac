"""What every tier shares: data, models, topology, configuration, records and the ServerApp."""
