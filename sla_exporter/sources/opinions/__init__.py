"""Second opinions, by the kind of source; a new kind is a module and a line here."""

from __future__ import annotations

from sla_exporter.sources.opinions import prometheus, uptime_kuma, uptimerobot

# The kinds that stand in series: their usual series, the label that tells monitors apart, and what
# values mean. Pingdom is asked directly.
IN_SERIES = {
    "uptime_kuma": ("Uptime Kuma", uptime_kuma),
    "uptimerobot": ("UptimeRobot", uptimerobot),
    "prometheus": ("the other Prometheus", prometheus),
}
