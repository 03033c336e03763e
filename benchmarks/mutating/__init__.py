"""Single seeded mutants of real projects, and what different ways of choosing tests make of them."""
