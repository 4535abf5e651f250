"""The vocabulary that scenarios are written in: the scenario itself, its checks, mistakes, sites and wordings."""
