.PHONY: check test test-slow tiny

check:  ## lint, format, types
	ruff check . && ruff format --check . && mypy

test:  ## the laws
	pytest -n 2 --dist worksteal

test-slow:  ## the exhaustive ones
	pytest -m slow

tiny:  ## the default run
	python -m jaxrlvr.train
