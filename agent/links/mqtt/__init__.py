"""The MQTT link on paho."""
