"""The reference lists every operation with its path and parameters, and shows a response of the site."""

import pytest

from envs.api.errors import EnvError
from envs.reference import APIS, main, reference


@pytest.mark.parametrize("api", APIS.values(), ids=APIS)
def test_reference__has_every_operation_with_its_parameters(api):
    sections = reference(api).split("\n## ")[1:]
    assert [section.splitlines()[0] for section in sections] == list(api.by_name())
    for section, operation in zip(sections, api.operations, strict=True):
        assert f"`{operation.method} {operation.path}`" in section
        for parameter in operation.parameters:
            assert f"| {parameter.name} | {parameter.location} |" in section


def test_reference__examples_are_answered_and_the_common_ones_accepted():
    shown = {
        section.splitlines()[0]: section.splitlines()[-2]
        for a in APIS.values()
        for section in reference(a).split("\n## ")[1:]
    }
    assert all(answer.split()[0].isdigit() for answer in shown.values())
    for name in ("createIssue", "getIssue", "addComment", "createPage", "getPageById", "addLabelsToContent"):
        assert shown[name].startswith("20"), shown[name]


def test_main__a_name_that_is_none_is_one_message(capsys):
    with pytest.raises(EnvError, match="getPageByIdd"):
        main(["getPageByIdd"])
    assert main(["getIssue"]) == 0 and "# jira" in capsys.readouterr().out
