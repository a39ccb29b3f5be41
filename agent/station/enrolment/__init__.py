"""How a computer becomes a station, over the network or by mail."""
