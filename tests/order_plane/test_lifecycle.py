"""The life of an order, held against the promises in its text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade.order_plane.lifecycle import IllegalTransition, OrderState, Trigger, advance


@given(st.lists(st.sampled_from([t for t in Trigger if t is not Trigger.SEND]), max_size=20))
def test_nothing_leads_back_to_a_state_from_which_bytes_are_sent(triggers: list[Trigger]) -> None:
    state = OrderState.SENDING
    for trigger in triggers:
        try:
            state = advance(state, trigger)
        except IllegalTransition:
            continue
        assert state is not OrderState.ACCEPTED
    with pytest.raises(IllegalTransition):
        advance(state, Trigger.SEND)


@pytest.mark.parametrize("state", [OrderState.EXPIRED, OrderState.REFUSED, OrderState.NOT_SENT])
@pytest.mark.parametrize("trigger", list(Trigger))
def test_what_never_left_stays_dead(state: OrderState, trigger: Trigger) -> None:
    with pytest.raises(IllegalTransition):
        advance(state, trigger)


@given(
    st.lists(st.sampled_from([Trigger.EVIDENCE, Trigger.CANCEL, Trigger.REJECT, Trigger.LOST]), max_size=10)
)
def test_filled_is_filled_whatever_the_status_says_later(triggers: list[Trigger]) -> None:
    state = OrderState.FILLED
    for trigger in triggers:
        state = advance(state, trigger)
    assert state is OrderState.FILLED


def test_unknown_is_not_an_end() -> None:
    assert not OrderState.UNKNOWN.terminal
    assert OrderState.UNKNOWN.may_fill
    assert advance(OrderState.UNKNOWN, Trigger.ALL) is OrderState.FILLED


@pytest.mark.parametrize("word", [Trigger.CANCEL, Trigger.REJECT])
def test_shares_that_come_after_the_end_still_count(word: Trigger) -> None:
    assert advance(advance(OrderState.WORKING, word), Trigger.ALL) is OrderState.FILLED
