//! Virtual time: minutes and days pass in a moment.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::budget::Cost;
use super::*;
use crate::google::testing::{ManualClock, account};

const MINUTE: Duration = Duration::from_mins(1);
const METHODS: [Method; 6] = [
    Method::Get,
    Method::UpdateContact,
    Method::BatchUpdateContacts,
    Method::DeleteContact,
    Method::BatchDeleteContacts,
    Method::ContactGroupsList,
];

fn start() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

/// Books one call, or tells how long it has to wait; who has to wait goes away again.
fn book(books: &mut Books, name: &str, method: Method, now: Timestamp) -> Result<(), Duration> {
    let place = books.queue(account(name), method);
    let booked = books.book(place, now);
    books.leave(place);
    booked
}

#[test]
fn calls_flow_freely_until_the_minute_is_spent_and_again_when_it_is_over() {
    let mut books = Books::new(Budget::default());
    let mut sales = |method, now| book(&mut books, "sales", method, now);
    for _ in 0..4 {
        assert_eq!(sales(Method::BatchUpdateContacts, start()), Ok(()));
    }
    let later = start() + Duration::from_secs(20);
    assert_eq!(sales(Method::BatchUpdateContacts, later), Err(Duration::from_secs(40)));
    assert_eq!(sales(Method::UpdateContact, later), Ok(()), "what fits goes");
    assert_eq!(sales(Method::DeleteContact, later), Ok(()), "deletes have their own limit");
    assert_eq!(sales(Method::BatchUpdateContacts, start() + MINUTE), Ok(()));
}

#[test]
fn a_call_that_costs_more_than_the_budget_goes_alone() {
    let mut books = Books::new(Budget { writes: 5, ..Budget::default() });
    assert_eq!(book(&mut books, "sales", Method::BatchDeleteContacts, start()), Ok(()));
    assert_eq!(book(&mut books, "sales", Method::DeleteContact, start()), Err(MINUTE));
}

#[test]
fn a_clock_that_was_set_back_does_not_stop_the_account() {
    let mut books = Books::new(Budget { reads: 1, ..Budget::default() });
    let later = start() + Duration::from_hours(9);
    assert_eq!(book(&mut books, "sales", Method::ContactGroupsList, later), Ok(()));
    assert_eq!(book(&mut books, "sales", Method::ContactGroupsList, start()), Ok(()));
}

#[test]
fn one_accounts_minute_is_not_anothers_but_the_projects_is_everybodys() {
    let mut books = Books::new(Budget { critical_reads: 2, project: 2, ..Budget::default() });
    for name in ["sales", "sales", "support", "support"] {
        assert_eq!(book(&mut books, name, Method::Get, start()), Ok(()), "{name}");
    }
    assert_eq!(book(&mut books, "sales", Method::Get, start()), Err(MINUTE), "its own is spent");
    assert_eq!(book(&mut books, "office", Method::Get, start()), Err(MINUTE), "everybody's is spent");
}

#[test]
fn the_contacts_of_a_day_are_counted_two_hundred_a_batch_and_come_back_a_day_later() {
    let mut books = Books::new(Budget {
        daily_writes: 401,
        critical_writes: 100,
        critical_reads: 100,
        ..Budget::default()
    });
    let mut sales = |method, now| book(&mut books, "sales", method, now);
    assert_eq!(sales(Method::BatchCreateContacts, start()), Ok(()));
    assert_eq!(sales(Method::BatchUpdateContacts, start() + Duration::from_hours(1)), Ok(()));
    assert_eq!(sales(Method::UpdateContact, start() + Duration::from_hours(2)), Ok(()));
    let wait = sales(Method::UpdateContact, start() + Duration::from_hours(3)).unwrap_err();
    assert_eq!(wait, Duration::from_hours(21));
    assert_eq!(sales(Method::Get, start() + Duration::from_hours(3)), Ok(()), "reads go on");
    assert_eq!(sales(Method::UpdateContact, start() + Duration::from_hours(24)), Ok(()));
}

#[tokio::test]
async fn a_call_whose_day_is_spent_is_sent_home_and_one_whose_minute_is_spent_waits() {
    let clock = ManualClock::new();
    let governor =
        Governor::new(Budget { daily_writes: 1, critical_reads: 1, ..Budget::default() }, clock.clone());
    let (sales, going) = (account("sales"), CancellationToken::new());
    governor.admit(&sales, Method::UpdateContact, &going).await.unwrap();
    let begun = clock.now();
    governor.admit(&sales, Method::Get, &going).await.unwrap();
    assert_eq!(clock.now().duration_since(begun).as_secs(), 60);
    let home = governor.admit(&sales, Method::UpdateContact, &going).await;
    assert!(matches!(home, Err(Detained::Until(wait)) if wait > Duration::from_hours(23)), "{home:?}");
}

#[tokio::test]
async fn a_stop_ends_the_waiting_at_once() {
    let governor =
        Governor::new(Budget { reads: 1, ..Budget::default() }, Arc::new(crate::remote::SystemClock));
    let (sales, stopped) = (account("sales"), CancellationToken::new());
    governor.admit(&sales, Method::ContactGroupsList, &stopped).await.unwrap();
    stopped.cancel();
    let waited = tokio::time::timeout(
        Duration::from_secs(2),
        governor.admit(&sales, Method::ContactGroupsList, &stopped),
    );
    assert_eq!(waited.await.unwrap(), Err(Detained::Stopped));
}

#[test]
fn a_refusal_by_google_counts_as_a_minute_spent() {
    let mut books = Books::new(Budget::default());
    books.refused(&account("sales"), Method::Get, start());
    assert_eq!(book(&mut books, "sales", Method::Get, start()), Err(MINUTE));
    assert_eq!(book(&mut books, "sales", Method::DeleteContact, start()), Ok(()), "only what was refused");
    assert_eq!(book(&mut books, "support", Method::Get, start()), Ok(()), "only who was refused");
}

/// Accounts that each have calls to make, one after the other, for some virtual minutes. Answers how many each made.
fn let_run(budget: Budget, wishes: &[(&str, Method, usize)], minutes: u64) -> BTreeMap<String, usize> {
    let mut books = Books::new(budget);
    let end = start() + Duration::from_mins(minutes);
    let mut made: BTreeMap<String, usize> = wishes.iter().map(|(name, ..)| ((*name).to_owned(), 0)).collect();
    let mut waiting: Vec<(Timestamp, usize, u64)> = Vec::new();
    for (index, (name, method, _)) in wishes.iter().enumerate() {
        waiting.push((start(), index, books.queue(account(name), *method)));
    }
    while let Some(next) = waiting.iter().enumerate().min_by_key(|(_, (at, ..))| *at).map(|(index, _)| index)
    {
        let (now, index, place) = waiting.swap_remove(next);
        if now >= end {
            break;
        }
        let (name, method, calls) = wishes[index];
        match books.book(place, now) {
            Ok(()) => {
                let count = made.get_mut(name).unwrap();
                *count += 1;
                if *count < calls {
                    // An answer takes a tenth of a second.
                    waiting.push((
                        now + Duration::from_millis(100),
                        index,
                        books.queue(account(name), method),
                    ));
                }
            }
            Err(wait) => waiting.push((now + wait, index, place)),
        }
    }
    made
}

#[test]
fn a_busy_account_does_not_starve_the_quiet_ones() {
    let budget = Budget { critical_reads: 1000, critical_writes: 1000, project: 1, ..Budget::default() };
    let budget = Budget { critical_reads: 60, critical_writes: 60, ..budget };
    let made = let_run(
        budget,
        &[
            ("big", Method::UpdateContact, 100_000),
            ("one", Method::UpdateContact, 5),
            ("two", Method::UpdateContact, 5),
        ],
        3,
    );
    assert_eq!((made["one"], made["two"]), (5, 5), "{made:?}");
    assert!(made["big"] >= 150, "what the others leave is not wasted: {made:?}");
}

#[test]
fn accounts_that_want_alike_get_alike() {
    let budget = Budget { critical_reads: 60, critical_writes: 60, project: 1, ..Budget::default() };
    let names = ["a", "b", "c", "d"];
    let wishes: Vec<_> = names.iter().map(|name| (*name, Method::BatchUpdateContacts, 1000)).collect();
    let made = let_run(budget, &wishes, 20);
    let (least, most) = (made.values().min().unwrap(), made.values().max().unwrap());
    assert!(most - least <= 3, "{made:?}");
    assert!(made.values().sum::<usize>() >= 190, "ten batches a minute: {made:?}");
}

proptest! {
    #[test]
    fn no_minute_spends_more_than_the_budget_and_no_wait_is_longer_than_a_minute(
        calls in proptest::collection::vec((0..METHODS.len(), 0..3_usize, 0_u64..5000), 1..200),
    ) {
        let budget = Budget { critical_reads: 12, critical_writes: 8, reads: 3, writes: 11, project: 2, ..Budget::default() };
        let mut books = Books::new(budget);
        let mut now = start();
        let mut booked: Vec<(Timestamp, usize, Cost)> = Vec::new();
        for (method, who, pause) in calls {
            now += Duration::from_millis(pause);
            let place = books.queue(account(["a", "b", "c"][who]), METHODS[method]);
            while let Err(wait) = books.book(place, now) {
                prop_assert!(!wait.is_zero() && wait <= MINUTE);
                now += wait;
            }
            booked.push((now, who, Cost::of(METHODS[method])));
            let recent = |whose: Option<usize>, class: usize| -> u32 {
                let young = |at: Timestamp| now.duration_since(at).as_secs() < 60;
                let of = |by: usize| whose.is_none_or(|whose| whose == by);
                booked.iter().filter(|(at, by, _)| young(*at) && of(*by)).map(|(.., cost)| cost.minute[class]).sum()
            };
            for class in 0..4 {
                prop_assert!(recent(Some(who), class) <= budget.of_account()[class]);
                prop_assert!(recent(None, class) <= budget.of_project()[class]);
            }
        }
    }
}
