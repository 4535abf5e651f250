.PHONY: check test test-slow tiny

check:  ## lint, format and types
	ruff check . && ruff format --check . && mypy

test:  ## the default tests
	pytest -n 2 --dist worksteal

test-slow:  ## the exhaustive tests
	pytest -m slow

tiny:  ## the default training run
	python -m jaxrlvr.train
