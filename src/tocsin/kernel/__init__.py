"""The ground every context stands on: clock, ids, log, jobs, units, database, resources."""
