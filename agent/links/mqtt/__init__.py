"""The MQTT link on paho."""

# paho takes dnspython and PySocks where they are, for SRV records and proxies we never ask for. aiortc brings the
# former, and it would cost every start of the agent about a quarter of its time budget and some MiB. What would look
# for proxies loads HTTP and the parser of mails with it: another MiB.

from agent.system.sparing import later, without

with without("dns.resolver", "socks"), later("urllib.request"):
    import paho.mqtt.client  # noqa: F401 - the others find it loaded
