"""What benches/run is made of: machine -> postgres, upstream -> programs -> scenarios -> results."""
