//! What a screen is shown, from a store that is filled by hand.

use uuid::Uuid;

use super::*;
use crate::{
    model::{Message, Person},
    store::{self, Key, Place, held::Spot, index, words::Query},
};

const START: i64 = 1_795_000_000_000;

fn person(n: u128) -> PersonId {
    PersonId::new(Uuid::from_u128(n))
}

fn with(n: u128) -> ConversationId {
    ConversationId::Direct(person(n))
}

fn id(n: u128) -> MessageId {
    MessageId::new(Uuid::from_u128(0x1000 + n))
}

fn spot(n: u128) -> Spot {
    (START + n as i64 * 1_000, id(n).to_string())
}

/// Alice's store; Bob is person 2, Carol person 3.
fn store() -> Connection {
    let tx = store::open(Place::Memory, &Key([1; 32])).unwrap();
    store::set_me(&tx, person(1), "Alice").unwrap();
    for (n, name) in [(2, "Bob"), (3, "Carol")] {
        let person = Person {
            id: person(n),
            name: name.to_owned(),
        };
        people::save(&tx, &person).unwrap();
    }
    facts::set(&tx, LISTED, "1").unwrap();
    tx
}

/// Message `n` of `from`, a second after message `n - 1`.
fn put(tx: &Connection, n: u128, from: u128, text: &str) {
    let message = Message {
        id: id(n),
        content: text.to_owned(),
        sender: person(from),
        receiver: person(1),
        stamp: Instant(spot(n).0),
        updated: None,
    };
    messages::save(tx, &message, with(from)).unwrap();
    index::update(tx).unwrap();
    conversations::refresh(tx, with(from)).unwrap();
}

#[test]
fn a_search_says_where_it_found_something_and_how_far_back_it_looked() {
    let tx = store();
    let look = |query: &str, after: Option<&str>| {
        let search = Search {
            query: Query::read(query),
            ..Search::default()
        };
        super::search(&tx, &search, after, 2).unwrap()
    };
    assert_eq!(look("x", None).reach, Reach::Beginning, "nobody wrote yet");
    put(&tx, 1, 2, "one apple");
    assert_eq!(
        look("apple", None).reach,
        Reach::Nothing,
        "no range is held"
    );
    held::hold(&tx, with(2), &spot(1), &held::open_end()).unwrap();
    put(&tx, 2, 3, "two apples");
    put(&tx, 3, 3, "three\napples");
    held::hold(&tx, with(3), &held::beginning(), &held::open_end()).unwrap();
    let first = look("app", None);
    assert!(first.more);
    let hit = &first.found[0];
    assert_eq!(
        (hit.title.as_str(), hit.excerpt.text.as_str()),
        ("Carol", "three apples")
    );
    assert_eq!(hit.excerpt.marks, [Mark { from: 6, until: 12 }]);
    assert_eq!(first.reach, Reach::Instant(spot(1).0), "as far as with Bob");
    assert_eq!(first.reaches.len(), 1);
    assert_eq!(first.reaches[0].reach, Reach::Beginning);
    let rest = look("app", Some(&first.found[1].message.sort));
    assert_eq!(rest.found.len(), 1);
    assert_eq!(rest.found[0].message.text, "one apple");
    assert!(!rest.more);
    facts::set_offset(&tx, 3_600_000).unwrap();
    assert_eq!(
        look("app", None).reach,
        Reach::Instant(spot(1).0 - 3_600_000)
    );
}

fn texts(page: &Page) -> Vec<&str> {
    page.messages.iter().map(|row| row.text.as_str()).collect()
}

#[test]
fn a_page_never_reaches_over_what_is_not_held() {
    let tx = store();
    for n in 1..=9 {
        put(&tx, n, 2, &n.to_string());
    }
    // 1 to 3 from a jump, 5 alone from the socket, 7 to now.
    held::hold(&tx, with(2), &spot(1), &spot(3)).unwrap();
    held::hold(&tx, with(2), &spot(7), &held::open_end()).unwrap();
    let page_at = |anchor: Anchor| page(&tx, with(2), &anchor, 4).unwrap().unwrap();
    let sort = |n: u128| format!("0{}{}", hex(spot(n).0), id(n));

    let newest = page_at(Anchor::Newest);
    assert_eq!(texts(&newest), ["7", "8", "9"]);
    assert_eq!((newest.older, newest.newer), (Older::Server, Newer::Newest));
    let before = page_at(Anchor::Before(sort(7)));
    assert_eq!((texts(&before), before.older), (vec![], Older::Server));

    let first = page_at(Anchor::Around(id(2).to_string()));
    assert_eq!(texts(&first), ["1", "2", "3"]);
    assert_eq!((first.older, first.newer), (Older::Server, Newer::Server));
    let after = page_at(Anchor::After(sort(1)));
    assert_eq!(
        (texts(&after), after.newer),
        (vec!["2", "3"], Newer::Server)
    );
    assert_eq!(after.older, Older::Held);
    for edge in [1, 3] {
        assert_eq!(
            texts(&page_at(Anchor::Around(id(edge).to_string()))),
            ["1", "2", "3"]
        );
    }

    let alone = page_at(Anchor::Around(id(5).to_string()));
    assert_eq!(texts(&alone), ["5"]);
    assert_eq!((alone.older, alone.newer), (Older::Server, Newer::Server));
    for nowhere in [
        Anchor::After(sort(5)),
        Anchor::Before(sort(5)),
        Anchor::At(spot(5).0),
    ] {
        let page = page_at(nowhere.clone());
        assert_eq!(texts(&page), [""; 0], "{nowhere:?}");
        assert_eq!((page.older, page.newer), (Older::Server, Newer::Server));
    }
    assert_eq!(texts(&page_at(Anchor::At(spot(8).0))), ["7", "8", "9"]);
    assert_eq!(
        texts(&page_at(Anchor::At(spot(9).0 + 99_999))),
        ["7", "8", "9"]
    );

    held::hold(&tx, with(2), &spot(3), &spot(7)).unwrap();
    let joined = page_at(Anchor::Around(id(5).to_string()));
    assert_eq!(texts(&joined), ["3", "4", "5", "6"]);
    assert_eq!((joined.older, joined.newer), (Older::Held, Newer::Held));
    held::hold(&tx, with(2), &held::beginning(), &spot(1)).unwrap();
    let start = page_at(Anchor::At(0));
    assert_eq!(texts(&start), ["1", "2", "3", "4"]);
    assert_eq!((start.older, start.newer), (Older::Beginning, Newer::Held));
    for unknown in [
        Anchor::Around("x".to_owned()),
        Anchor::Around(id(99).to_string()),
    ] {
        assert!(page(&tx, with(2), &unknown, 4).unwrap().is_none());
    }
    assert!(
        page(&tx, with(3), &Anchor::Around(id(5).to_string()), 4)
            .unwrap()
            .is_none(),
        "it is in another conversation"
    );
}
