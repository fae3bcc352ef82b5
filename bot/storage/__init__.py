"""(3) The store: everything that is remembered, and the only place that speaks SQL.

``database.py`` runs transactions; the other files hold the functions of one: ``feeds.py`` claims and routes,
``ingest.py`` keeps posts and enqueues deliveries, ``lanes.py`` is the outbox's side, ``reports.py`` only reads.
"""
