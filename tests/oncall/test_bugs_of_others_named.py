"""The list of bugs that users reported of other products, and the test that would have caught each.

A row is `product number | what went wrong there | test`. Whoever removes such a test, or its
number, is told here.
"""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TABLE = """
Grafana 3261 | windows kept in UTC moved by an hour after DST | oncall/test_hours.py::test_windows_follow_the_clock_over_its_change
Grafana 3261 | so did schedules | oncall/test_schedule_bugs_of_others.py::test_hours_of_a_layer_do_not_move_when_clocks_change
Grafana 5247 | gap or overlap of an hour at DST | oncall/test_schedule_bugs_of_others.py::test_a_week_over_a_change_of_clocks_has_neither_gap_nor_overlap
Grafana 5455 | a duration that crosses DST | integrations/test_ical_read.py::test_recurrences_exceptions_and_moved_events_are_followed_over_dst
Grafana 3576 | the viewer's zone leaks into what is kept | oncall/test_schedule_bugs_of_others.py::test_who_looks_and_from_where_changes_nothing_of_what_is_kept
Grafana 4688 | likewise, in swaps | oncall/test_schedule_bugs_of_others.py::test_who_looks_and_from_where_changes_nothing_of_what_is_kept
Grafana 4182 | a swap does not follow a shift that moves | oncall/test_schedule_bugs_of_others.py::test_a_swap_follows_its_turn_when_the_handoff_moves
Grafana 2787 | two requests to swap the same shift | web/test_api_overrides.py::test_a_swap_is_asked_for_accepted_and_then_paged
Grafana 3096 | chat does not know of overrides | web/test_api_overrides.py::test_a_cover_is_paged_and_shown_alike
Grafana 1296 | the list of schedules does not, either | web/test_api_overrides.py::test_a_cover_is_paged_and_shown_alike
Grafana 1021 | an override cannot be overridden | oncall/test_schedule_bugs_of_others.py::test_an_override_of_an_override_stands
Grafana 4343 | the override of a deleted user cannot be deleted | web/test_api_overrides.py::test_an_override_of_somebody_who_has_left_can_be_taken_back
Grafana 1108 | the report nags about the past | oncall/test_schedule_bugs_of_others.py::test_nobody_is_told_of_gaps_that_are_over
Grafana 2760 | two events with one UID | oncall/test_ical.py::test_another_library_reads_the_same_shifts_and_no_name_is_there_twice
Grafana 1297 | the case of an address in iCal | integrations/test_ical_read.py::test_people_are_found_by_address_in_any_case_or_by_name
Grafana 1326 | who cannot be woken looks like cover | oncall/test_schedule_bugs_of_others.py::test_who_cannot_be_woken_counts_like_a_gap_and_one_person_is_a_single_point
Grafana 1511 | likewise | oncall/test_schedule_bugs_of_others.py::test_who_cannot_be_woken_counts_like_a_gap_and_one_person_is_a_single_point
Grafana 5353 | whose shift an edit moves is not told | oncall/test_schedules_told.py::test_an_edit_begins_at_the_next_handoff_and_whose_shift_moved_is_told
GoAlert 1973 | likewise | oncall/test_schedules_told.py::test_an_edit_begins_at_the_next_handoff_and_whose_shift_moved_is_told
GoAlert 512 | the week of DST, and the one after | oncall/test_schedule_bugs_of_others.py::test_a_week_over_a_change_of_clocks_has_neither_gap_nor_overlap
GoAlert 1252 | hourly turns drift at DST | oncall/test_schedule_bugs_of_others.py::test_hourly_turns_keep_to_the_wall_clock
GoAlert 4306 | replace acts as add | oncall/test_schedule_bugs_of_others.py::test_a_replacement_is_on_call_only_where_the_other_one_would_be
GoAlert 912 | n people make n escalations | oncall/test_schedule_bugs_of_others.py::test_a_group_is_one_shift_and_not_one_after_the_other
GoAlert 929 | an override hidden under a temporary schedule | oncall/test_schedule_bugs_of_others.py::test_an_override_made_after_a_temporary_schedule_is_not_hidden_by_it
GoAlert 2196 | an edit changes who is on call now | oncall/test_schedule_versions.py::test_who_is_added_is_not_on_call_at_once_and_who_is_on_call_stays
OneUptime 1890 | layers in several zones | oncall/test_schedule_bugs_of_others.py::test_each_layer_keeps_the_clocks_of_its_own_zone_whatever_the_schedules_and_the_machines_are
OneUptime 2413 | idle days count as turns | oncall/test_schedule_bugs_of_others.py::test_turns_in_which_a_layer_is_not_in_force_are_nobodys
OneUptime 2086 | an override is not in the final schedule | web/test_api_overrides.py::test_leave_goes_to_whoever_is_below_and_else_leaves_a_gap
OneUptime 1809 | who cannot be woken looks like cover | oncall/test_schedule_bugs_of_others.py::test_who_cannot_be_woken_counts_like_a_gap_and_one_person_is_a_single_point
PagerDuty 4 | the offset of a zone in a stored start | oncall/test_schedule_bugs_of_others.py::test_a_start_with_an_offset_is_no_start
PagerDuty 168 | likewise | oncall/test_schedule_bugs_of_others.py::test_a_start_with_an_offset_is_no_start
PagerDuty 200 | likewise | oncall/test_schedule_bugs_of_others.py::test_a_start_with_an_offset_is_no_start
PagerDuty 215 | an edit resets the rotation | oncall/test_schedule_versions.py::test_who_is_added_is_not_on_call_at_once_and_who_is_on_call_stays
PagerDuty 560 | likewise | oncall/test_schedule_versions.py::test_who_is_added_is_not_on_call_at_once_and_who_is_on_call_stays
PagerDuty 585 | somebody new is on call that instant | oncall/test_schedule_versions.py::test_who_is_added_is_not_on_call_at_once_and_who_is_on_call_stays
PagerDuty 1083 | likewise | oncall/test_schedule_versions.py::test_who_is_added_is_not_on_call_at_once_and_who_is_on_call_stays
linkedin 336 | a preview writes events | cli/test_cli_schedules.py::test_a_schedule_is_resolved_from_its_file_alone
linkedin 424 | only weekly turns | oncall/test_schedule_bugs_of_others.py::test_turns_are_not_only_weeks
OpsKnight 378 | a time that no clock shows is taken | oncall/test_schedule_bugs_of_others.py::test_a_time_that_is_typed_in_and_is_none_or_two_is_asked_for_again
Grafana 1206 | a chain paused by hours is never resumed | oncall/test_page_urgency.py::test_a_held_page_that_has_lost_its_timer_is_set_going_again
Grafana 1187 | a chain that does not run | oncall/test_page_promises.py::test_whatever_happens_something_will_wake_the_page
Grafana 895 | a step that stalls | oncall/test_page_promises.py::test_whatever_happens_something_will_wake_the_page
Grafana 724 | the auditor is switched off | oncall/test_oncall_actions.py::test_a_page_whose_timer_is_gone_is_restored_and_that_is_said_aloud
Grafana 1931 | the wait between steps is ignored | oncall/test_page_promises.py::test_the_next_step_is_called_when_its_wait_is_over_and_no_sooner
Grafana 934 | the next step cancels the user's later methods | oncall/test_climbing.py::test_the_next_step_leaves_the_rules_of_the_one_before_alone
Grafana 4654 | pages go on after the acknowledgement | oncall/test_climbing.py::test_a_snooze_fences_off_all_that_was_queued_and_its_end_calls_the_first_step
Grafana 4760 | likewise | oncall/test_oncall_actions.py::test_what_was_queued_before_the_acknowledgement_is_not_sent_and_says_why
Grafana 4761 | who is added to an acknowledged page cannot stop theirs | oncall/test_requesting.py::test_who_is_asked_for_has_a_page_of_their_own_and_takes_it_themselves
Grafana 3111 | paged again after four months | oncall/test_page.py::test_an_acknowledgement_without_a_timeout_never_runs_out
Grafana 3161 | an acknowledgement that races a resolve un-resolves | oncall/test_climbing.py::test_nothing_that_people_do_reopens_what_is_over
Grafana 1503 | one failing target costs the primary their call | oncall/test_climbing.py::test_a_team_is_all_its_members_and_a_broken_target_costs_no_other_its_call
Grafana 2622 | no reception, and no other means | oncall/test_page_urgency.py::test_a_method_that_fails_is_followed_by_the_next_rule_at_once
Grafana 2912 | an empty chain leaves no trace | oncall/test_page_verbs.py::test_why_says_why_nobody_was_called
Grafana 2929 | likewise, silenced | oncall/test_page_verbs.py::test_why_says_why_nobody_was_called
Grafana 4846 | nobody on call: hold, and deliver later | oncall/test_page_urgency.py::test_a_low_page_is_held_outside_of_support_hours_and_delivered_when_they_begin
GoAlert 4548 | nobody on call, and the whole delay is waited | oncall/test_climbing.py::test_nobody_at_all_is_an_alarm_at_once_also_for_what_is_low
cabot 518 | nobody on duty, and no error anywhere | oncall/test_climbing.py::test_nobody_at_all_is_an_alarm_at_once_also_for_what_is_low
simple-server 2552 | a delivery that failed is not scheduled again | oncall/test_delivery.py::test_a_transient_failure_is_tried_again_twice_then_the_next_method
notification-api 1703 | a permanent error is tried again for a day | oncall/test_delivery.py::test_a_failed_method_is_followed_by_the_next_one_and_no_timer_moves
"""
ROWS = [tuple(part.strip() for part in line.split("|")) for line in TABLE.strip().splitlines()]
NAMED = re.compile(r"(?:#|PR )(\d+)")


@pytest.mark.parametrize(("bug", "_what", "test"), ROWS, ids=[row[0] for row in ROWS])
def test_the_test_that_would_have_caught_it_is_there(bug: str, _what: str, test: str) -> None:
    path, _, name = test.partition("::")
    text = (TESTS / path).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), f"{path} has no {name}"
    assert bug.partition(" ")[2].isdigit()


def test_each_bug_is_named_where_its_test_is_or_beside_it() -> None:
    named = {
        number
        for path in TESTS.rglob("test_*.py")
        for number in NAMED.findall(path.read_text(encoding="utf-8"))
    }
    assert {row[0].partition(" ")[2] for row in ROWS} <= named
