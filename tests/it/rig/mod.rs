//! The process rig: whole daemons, a real PostgreSQL, the imitation upstream behind a ledger of every request that left, a mail
//! server with a ledger of every message that it took. Something goes wrong in the middle of it; all that has come of it is then
//! judged from outside by five laws (`laws.rs`): no miss, no wolf, no waste, loud, clean.
//!
//! `money.rs` and `support/smtp_sink.rs` are the ledgers, `line.rs` is what lies between a program and its database, `server.rs` a
//! server that may be killed, `house.rs` what a scenario takes place in. Each scenario has its number in its name:
//! `cargo test --test it rig::` prints the table. What was proved elsewhere already is not written twice:
//!
//! | no. | fault | tests |
//! | --- | --- | --- |
//! | 1 | a crash at every step | `crashes::`, a test a step, by a real kill -9; [`lives`] for reload, migration and the final dot |
//! | 2 | power loss | [`power_loss`] |
//! | 3 | the clock is set | [`clocks`]; by days: `an_instant_ahead_of_the_clock_counts_as_now`, `what_was_told_on_a_day_ahead_does_not_count`, and the storms of `simulation::` |
//! | 4 | host and database in other zones | [`clocks`]; no zone of the server's in SQL: `the_house_is_tidy` |
//! | 5 | the 29th of February | [`clocks`]; reading and months: `domain::dates`, `domain::number` |
//! | 6 | the database is gone | [`database_gone`] |
//! | 7 | read-only, failover, ended sessions, lost transactions | [`failover`], [`database_gone`] |
//! | 8 | disk full, descriptors exhausted, killed for memory | [`resources`], [`database_gone`] |
//! | 9 | a mail server that refuses for now | `after_a_refusal_for_now_at_any_stage_the_mail_arrives_later`, `after_nine_days_without_a_server_all_arrives_once_with_the_words_of_that_day`, `a_server_that_is_away_is_tried_with_growing_pauses_by_all_daemons`, `a_full_mailbox_is_a_dead_letter_after_five_days_of_refusals` |
//! | 10 | one that refuses for good | `a_message_that_is_refused_is_a_dead_letter_and_the_next_one_goes`, `a_wrong_password_stops_mail_with_one_login_an_hour_and_burns_nobody`, `what_was_given_up_can_be_offered_again` |
//! | 11 | no answer to the final dot | `a_lost_answer_to_the_final_dot_is_followed_by_the_same_bytes`, `who_has_sent_the_final_dot_waits_as_long_as_the_rfc_wants`; killed meanwhile: [`lives`] |
//! | 12 | some recipients are refused | `an_unknown_user_is_a_dead_letter_at_once_and_touches_nobody_else`, `one_refused_recipient_takes_no_mail_from_the_others` |
//! | 13-17 | totals, pages, nothing, no API, redirects | [`lies`]; each by itself: `sweeps::`, `sweep_upstream::`, `juhe::` |
//! | 18, 19 | too much, too slow | [`lies`] |
//! | 20 | another company, flapping | `a_company_of_another_prefix_is_disputed_and_compared_with_nothing`, `a_disputed_company_is_compared_with_nothing_not_even_with_an_empty_answer`, `a_flapping_certificate_is_never_removed` |
//! | 21 | several daemons | [`together`]; ten thousand companies by hand |
//! | 22 | the file is edited in every way | [`edits`] |
//! | 23 | size | [`size`]; a budget for fewer than all in `sweeps`; a hundred thousand companies by hand |
//! | 24 | poison, huge digests | [`lives`], `hostile_text_is_inert_wherever_it_goes`, `scenario_24_twenty_thousand_events_for_one_reader_go_in_numbered_mails_that_tell_each_once` |
//! | 25 | the key is revoked, the quota is spent | [`keys`], `a_key_that_is_repaired_in_its_file_heals_by_itself`, `a_spent_quota_waits_for_midnight_in_shanghai` |
//!
//! [`storms`] lets several of them strike in one sweep, as a seed decides.
//!
//! Root and a mount are wanted by three tests of [`resources`] and by that of a name server that says nothing (19), which say so
//! where they are skipped. Not here: a disk that lies about what it has written (2).

mod clocks;
mod database_gone;
mod edits;
mod failover;
mod house;
mod keys;
mod laws;
mod lies;
pub(crate) mod line;
mod lives;
mod money;
mod power_loss;
mod resources;
mod server;
mod size;
mod storms;
mod together;
