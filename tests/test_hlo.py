"""Laws of the reader of compiled programs, on programs made up for it: each form of a collective counts exactly."""

import pytest

from tests.hlo import Program

ADD = """
%add (x: f32[], y: f32[]) -> f32[] {
  %x = f32[] parameter(0)
  %y = f32[] parameter(1)
  ROOT %sum = f32[] add(%x, %y)
}
"""


def program(*lines: str, before: str = "") -> Program:
    body = "\n".join(f"  {line}" for line in lines)
    return Program(
        f"HloModule made_up, is_scheduled=true\n{ADD}{before}\nENTRY %main (p: f32[4]) -> f32[] {{\n{body}\n}}"
    )


def computation(name: str, *lines: str) -> str:
    return f"\n%{name} (p: f32[4]) -> f32[4] {{\n" + "\n".join(f"  {line}" for line in lines) + "\n}\n"


GATHER = "%g = f32[8]{0} all-gather(%p), channel_id=1, replica_groups=[1,2]<=[2], dimensions={0}"
FORMS = {
    "one": ("%g = bf16[2,8]{1,0} all-gather(%p), dimensions={1}", "all-gather", 1, 32),
    "without layout or percent": ("g = f32[8] all-gather(p), dimensions={0}", "all-gather", 1, 32),
    "tiled": ("%g = bf16[16,128]{1,0:T(8,128)(2,1)S(1)} all-gather(%p), dimensions={0}", "all-gather", 1, 4096),
    "combined": (
        "%g = (f32[8]{0}, bf16[4,4]{1,0}, /*index=2*/f32[]) all-gather(%p, %q, %r), dimensions={0}",
        "all-gather",
        3,
        32 + 32 + 4,
    ),
    "begun": ("%g = (f32[4]{0}, f32[8]{0}) all-gather-start(%p), dimensions={0}", "all-gather", 1, 32),
    "combined and begun": (
        "%g = ((f32[4]{0}, bf16[2]{0}), (f32[8]{0}, bf16[4]{0})) all-gather-start(%p, %q), dimensions={0}",
        "all-gather",
        2,
        32 + 8,
    ),
    "ended": ("%g = f32[8]{0} all-gather-done(%s)", "all-gather", 0, 0),
    "sum": ("%g = f32[4]{0} all-reduce(%p), to_apply=%add", "all-reduce", 1, 16),
    "sums": ("%g = (f32[4]{0}, pred[3]{0}) all-reduce(%p, %q), to_apply=%add", "all-reduce", 2, 19),
    "sum begun": ("%g = f32[4]{0} all-reduce-start(%p), to_apply=%add", "all-reduce", 1, 16),
    "sums begun": ("%g = (f32[4]{0}, f32[2]{0}) all-reduce-start(%p, %q), to_apply=%add", "all-reduce", 2, 24),
    "sum ended": ("%g = (f32[4]{0}, f32[2]{0}) all-reduce-done(%s)", "all-reduce", 0, 0),
    "scattered begun": (
        "%g = ((f32[8]{0}), f32[4]{0}, u32[]) reduce-scatter-start(%p), to_apply=%add",
        "reduce-scatter",
        1,
        32,
    ),
    "exchange": ("%g = (f32[2]{0}, f32[2]{0}) all-to-all(%p, %q), replica_groups={{0,1}}", "all-to-all", 2, 16),
    "shift": ("%g = s32[4]{0} collective-permute(%p), source_target_pairs={{0,1}}", "collective-permute", 1, 16),
    "shift begun": (
        "%g = (f8e4m3fn[4]{0}, f8e4m3fn[4]{0}, u32[], u32[]) collective-permute-start(%p), channel_id=1",
        "collective-permute",
        1,
        4,
    ),
    "named like one": ('%all-gather.1 = f32[8]{0} copy(%p), metadata={op_name="all-gather(%p)"}', "all-gather", 0, 0),
    "fed by one": ("%g = f32[8]{0} copy(f32[8]{0} %all-gather.1)", "all-gather", 0, 0),
}


@pytest.mark.parametrize("form", FORMS)
def test_collective__counts_every_array_of_every_form(form):
    line, kind, arrays, size = FORMS[form]
    before = ["%p = f32[8]{0} parameter(0)"]
    moved = program(*before, line).moved()
    assert (moved.arrays[kind], moved.bytes[kind]) == (arrays, size)
    assert sum(moved.arrays.values()) == arrays


def test_reduce_scatter__counts_what_it_takes_in():
    lines = "%p = f32[8,2]{1,0} parameter(0)", "%q = bf16[8]{0} parameter(1)"
    first = "%g = f32[4,2]{1,0} reduce-scatter(%p), dimensions={0}, to_apply=%add"
    two = "%h = (f32[4,2]{1,0}, bf16[4]{0}) reduce-scatter(f32[8,2]{1,0} %p, bf16[8]{0} %q), dimensions={0}"
    moved = program(*lines, first, two).moved()
    assert moved.arrays == {"reduce-scatter": 3} and moved.bytes == {"reduce-scatter": 64 + 64 + 16}


CALLS = {
    "fusion": ("%f = f32[8]{0} fusion(%p), kind=kLoop, calls=%inner", 1),
    "call": ("%f = f32[8]{0} call(%p), to_apply=%inner", 1),
    "custom call": ("%f = f32[8]{0} custom-call(%p), called_computations={%inner, %inner}", 2),
    "wrapped": ("%f = ((f32[4]), f32[8], u32[]) async-start(%p), calls=%inner", 1),
    "wrapper's end": ("%f = f32[8]{0} async-done(%s), calls=%inner", 0),
    "wrapper going on": ("%f = ((f32[4]), f32[8], u32[]) async-update(%s), calls=%inner", 0),
    "loop": ('%f = f32[4] while(%p), condition=%none, body=%inner, backend_config={"known_trip_count":{"n":"7"}}', 7),
    "loop's condition": (
        '%f = f32[4] while(%p), condition=%inner, body=%none, backend_config={"known_trip_count":{"n":"7"}}',
        8,
    ),
    "loop told otherwise": (
        '%f = f32[4] while(%p), condition=%none, body=%inner, metadata={op_name="while"}, '
        'backend_config={"known_init_step":{"init":"0","step":"1"},"known_trip_count":{"n": "3"}}',
        3,
    ),
}


@pytest.mark.parametrize("form", CALLS)
def test_call__counts_what_the_called_computation_moves(form):
    line, times = CALLS[form]
    before = computation("inner", GATHER) + computation("none", "%n = f32[4] parameter(0)")
    moved = program(line, before=before).moved()
    assert (moved.arrays["all-gather"], moved.bytes["all-gather"]) == (times, 32 * times)


def test_conditional__counts_the_branch_that_moves_more():
    much = computation("much", GATHER.replace("f32[8]", "f32[64]"), "%r = f32[4] all-reduce(%p), to_apply=%add")
    before = computation("little", GATHER) + much + computation("none", "%n = f32[4] parameter(0)")
    several = "%c = f32[4] conditional(%i, %p, %p, %p), branch_computations={%little, %much, %none}"
    either = "%d = f32[4] conditional(%b, %p, %p), true_computation=%little, false_computation=%none"
    assert program(several, before=before).moved().bytes == {"all-gather": 256, "all-reduce": 16}
    assert program(either, before=before).moved().bytes == {"all-gather": 32}


NESTED = (
    computation("inner", GATHER)
    + computation(
        "outer",
        '%w = f32[4] while(%p), condition=%test, body=%inner, backend_config={"known_trip_count":{"n":"3"}}',
        "%r = f32[4] all-reduce(%p), to_apply=%add",
    )
    + computation("test", "%t = pred[] parameter(0)")
    + computation(
        "called",
        '%w = f32[4] while(%p), condition=%test, body=%outer, metadata={op_name="jit(f)/while"}, '
        'backend_config={"known_trip_count":{"n":"5"}}',
    )
)


def test_loops__are_found_wherever_they_stand_and_count_a_turn():
    nested = program("%c = f32[4] call(%p), to_apply=%called", GATHER, before=NESTED)
    outer, inner = nested.loops()
    assert (outer.times, outer.name, inner.times) == (5, "jit(f)/while", 3)
    assert outer.moved.arrays == {"all-gather": 3, "all-reduce": 1} and inner.moved.arrays == {"all-gather": 1}
    assert nested.moved().arrays == {"all-gather": 5 * 3 + 1, "all-reduce": 5}
    assert nested.moved(outside_of_loops=True).arrays == {"all-gather": 1}


def test_loop__that_moves_something_and_has_no_known_end_is_an_error():
    loop = "%w = f32[4] while(%p), condition=%test, body=%inner"
    before = computation("test", "%t = pred[] parameter(0)")
    with pytest.raises(ValueError, match="the loop w moves .*all-gather.* no known_trip_count"):
        program(loop, before=before + computation("inner", GATHER)).moved()
    still = program(loop, before=before + computation("inner", "%n = f32[4] parameter(0)"))
    assert not still.moved().arrays and [each.times for each in still.loops()] == [None]


def test_program__counts_instructions_and_refuses_what_is_none():
    assert program("%a = f32[] constant(1)", "ROOT %b = f32[] copy(%a)").size == 3 + 2
    for text in ("", "module @jit_f {\n}"):
        with pytest.raises(ValueError, match="not a compiled program"):
            Program(text)
    with pytest.raises(ValueError, match="unknown kind of number q7"):
        program("%g = q7[8]{0} all-gather(%p), dimensions={0}").moved()
