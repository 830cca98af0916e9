"""Plain SQL, forward only: NNNN_before_* is safe beside the old code, NNNN_after_* once it is gone."""
