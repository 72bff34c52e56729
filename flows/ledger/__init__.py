"""The durable record of a run: the only place that knows where each user is."""
