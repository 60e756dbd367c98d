"""The whole story on real servers: a real Prometheus, a real Alertmanager, made-up customers."""
