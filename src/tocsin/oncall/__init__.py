"""Who answers, and how hard we try to reach them: rotations, policies, pages."""
