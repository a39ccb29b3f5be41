"""The site's broker: NATS inside, or Mosquitto beside."""
