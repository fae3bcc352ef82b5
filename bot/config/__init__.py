"""What the operator wrote: environment and feeds.yaml, read into frozen records, each mistake with its place."""
