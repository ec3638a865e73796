//! The probes and what they hold: Anna and Ben write to each other, Carla is in their group,
//! Eve in none of it, and what each may see and change follows from that.
//!
//! ```text
//! Anna ──M1──> Ben        group G: Anna owns, Ben administers, Carla is a member
//! Anna ──M2──> G          group H: Eve owns, and is alone in it
//! Eve  ──M3──> Ben        Dora is suspended; Otto's role may not chat; Fay is blocked by Anna
//! ```
//! Made by the administrator, so that nothing here depends on the rules that are tried.
//! Keys are fixed: whatever a broken-off run left is found again by them.

use crate::ids::probe;
use crate::plan::chat_roles;
use crate::schema::{MESSAGES, REPORTS, SETUP, SETUP_ROW, Schema};
use crate::state::{State, text};
use crate::{Client, Error};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Who {
    /// Somebody without an account.
    Visitor,
    Anna,
    Ben,
    Carla,
    Eve,
    /// Suspended.
    Dora,
    /// Without a role that may chat.
    Otto,
    /// Blocked by Anna.
    Fay,
    /// The server's administrator, who alone may read what people report.
    Owner,
}

impl Who {
    /// Those with an account.
    pub(super) const PEOPLE: [Self; 7] = [
        Self::Anna,
        Self::Ben,
        Self::Carla,
        Self::Eve,
        Self::Dora,
        Self::Otto,
        Self::Fay,
    ];

    /// A first name; a visitor has none.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Visitor => "a visitor",
            Self::Anna => "Anna",
            Self::Ben => "Ben",
            Self::Carla => "Carla",
            Self::Eve => "Eve",
            Self::Dora => "Dora",
            Self::Otto => "Otto",
            Self::Fay => "Fay",
            Self::Owner => "the administrator",
        }
    }

    /// The account's key.
    pub(super) fn id(self) -> String {
        probe(0x100 + self as u32)
    }

    /// An address that nobody can have. Directus takes none that ends in `.invalid`.
    pub(super) fn email(self) -> String {
        format!(
            "verify-{}@invalid.example.com",
            self.name().to_lowercase().replace(' ', "-")
        )
    }
}

/// In every text that only those concerned may read.
pub(super) const SECRET: &str = "kestrel-amber-lantern";
/// The same, as an instant, where a row holds no text.
pub(super) const SECRET_TIME: &str = "1987-06-05T04:03:02.000Z";

/// Keys of single rows.
pub(super) fn group() -> String {
    probe(0x201)
}
/// Of nobody any more: Ben administers it, Carla is a member.
pub(super) fn ownerless_group() -> String {
    probe(0x203)
}
pub(super) fn eves_group() -> String {
    probe(0x202)
}
/// Anna to Ben.
pub(super) fn message() -> String {
    probe(0x221)
}
/// Anna to the group.
pub(super) fn message_to_group() -> String {
    probe(0x222)
}
/// Eve to Ben.
pub(super) fn eves_message() -> String {
    probe(0x223)
}
/// Eve, to the group that she is not in.
pub(super) fn eves_in_foreign_group() -> String {
    probe(0x224)
}
/// Eve to Dora.
pub(super) fn eves_to_suspended() -> String {
    probe(0x225)
}
/// Rows that Eve may delete, one a way to do it.
pub(super) fn expendable(collection: &str, number: u32) -> String {
    probe(
        if collection == "chat_blocks" {
            0x2b0
        } else {
            0x2c0
        } + number,
    )
}
/// Keys from here on are for rows that trials would make.
pub(super) const FIRST_NEW: u32 = 0x1000;
/// How many there are of each.
pub(super) const EXPENDABLE: u32 = 12;
/// Of Anna, on [`message`].
pub(super) fn file() -> String {
    probe(0x231)
}
pub(super) fn eves_file() -> String {
    probe(0x232)
}
/// Of Anna, in the group.
fn file_in_group() -> String {
    probe(0x234)
}
/// A folder that is not for people's files.
pub(super) fn foreign_folder() -> String {
    probe(0x2f1)
}
/// In the folder of avatars.
pub(super) fn avatar() -> String {
    probe(0x233)
}
/// Of the members' rows: Anna, Ben, Carla in the group; Eve in hers.
pub(super) fn member(who: Who) -> String {
    probe(0x210 + who as u32)
}

/// What is tried of one collection.
pub(super) struct Subject {
    pub collection: &'static str,
    /// Whose [`Self::theirs`] is.
    pub owner: Who,
    /// A row of somebody else's, which Eve must not see.
    pub theirs: String,
    /// Who sees a row without it being theirs, and which.
    pub seers: Vec<(Who, String)>,
    /// Fields that those may change, too.
    pub touch: &'static [&'static str],
    /// A row of Eve's own.
    pub eves: Option<String>,
    /// More that Eve must not see, for another reason: hers, or on a message of hers, but of a
    /// group that she is not in; a person whose role may not chat.
    pub left_behind: Vec<String>,
    /// A row that this person may make, without its key.
    pub valid: Option<(Who, Value)>,
    /// What a word of it looks like that others must not read.
    pub secret: &'static str,
}

pub(super) fn subjects() -> Vec<Subject> {
    let subject = |collection, theirs: String| Subject {
        collection,
        owner: Who::Anna,
        theirs,
        seers: Vec::new(),
        touch: &[],
        eves: None,
        left_behind: Vec::new(),
        valid: None,
        secret: SECRET,
    };
    let valid = |row: Value| Some((Who::Eve, row));
    vec![
        Subject {
            seers: vec![(Who::Carla, group())],
            touch: &["bumped_at"],
            eves: Some(eves_group()),
            valid: valid(json!({ "name": "Verification" })),
            ..subject("chat_groups", group())
        },
        Subject {
            seers: vec![
                (Who::Carla, member(Who::Ben)),
                (Who::Carla, member(Who::Carla)),
                (Who::Ben, member(Who::Carla)),
            ],
            eves: Some(member(Who::Eve)),
            valid: valid(json!({ "group_id": eves_group(), "user_id": Who::Ben.id() })),
            secret: SECRET_TIME,
            ..subject("chat_members", member(Who::Carla))
        },
        Subject {
            seers: vec![(Who::Ben, message()), (Who::Carla, message_to_group())],
            touch: &["reacted_at"],
            left_behind: vec![eves_in_foreign_group()],
            eves: Some(eves_message()),
            valid: valid(json!({ "content": "Verification", "receiver_id": Who::Ben.id() })),
            ..subject(MESSAGES, message())
        },
        Subject {
            seers: vec![(Who::Ben, probe(0x241))],
            eves: Some(probe(0x242)),
            left_behind: vec![probe(0x243)],
            valid: valid(json!({
                "kind": "file",
                "message_id": { "id": eves_message(), "attached_at": "2026-01-01T00:00:00Z" },
                "file": { "id": eves_file(), "chat_attached_at": "2026-01-01T00:00:00Z" },
            })),
            ..subject("chat_attachments", probe(0x241))
        },
        Subject {
            seers: vec![(Who::Ben, file())],
            touch: &["chat_attached_at"],
            eves: Some(eves_file()),
            valid: valid(json!({
                "title": "Verification", "type": "text/plain", "storage": "local",
                "filename_download": "verification.txt",
            })),
            ..subject("directus_files", file())
        },
        Subject {
            seers: vec![(Who::Ben, probe(0x251))],
            eves: Some(probe(0x252)),
            left_behind: vec![probe(0x253)],
            valid: valid(json!({
                "emoji": "x",
                "message_id": { "id": eves_message(), "reacted_at": "2026-01-01T00:00:00Z" },
            })),
            ..subject("chat_reactions", probe(0x251))
        },
        Subject {
            seers: vec![(Who::Ben, probe(0x261))],
            eves: Some(probe(0x262)),
            left_behind: vec![probe(0x263)],
            valid: valid(json!({ "peer_id": Who::Ben.id() })),
            secret: SECRET_TIME,
            ..subject("chat_read_states", probe(0x261))
        },
        Subject {
            eves: Some(probe(0x272)),
            valid: valid(json!({ "pinned": true })),
            secret: SECRET_TIME,
            ..subject("chat_prefs", probe(0x271))
        },
        Subject {
            seers: vec![(Who::Ben, probe(0x281))],
            eves: Some(probe(0x282)),
            left_behind: vec![probe(0x283)],
            valid: valid(json!({ "peer_id": Who::Ben.id() })),
            secret: SECRET_TIME,
            ..subject("chat_typing", probe(0x281))
        },
        Subject {
            // Anna hides, Ben does not.
            seers: vec![(Who::Eve, Who::Ben.id())],
            eves: Some(Who::Eve.id()),
            valid: Some((Who::Carla, json!({ "id": Who::Carla.id(), "online": true }))),
            ..subject("chat_presence", Who::Anna.id())
        },
        Subject {
            eves: Some(probe(0x292)),
            valid: valid(json!({ "blocked_id": Who::Ben.id() })),
            ..subject("chat_blocks", probe(0x291))
        },
        Subject {
            // Nobody reads one, also not their own.
            eves: Some(probe(0x2d2)),
            left_behind: vec![probe(0x2d2)],
            valid: valid(json!({ "reason": "other", "about_id": Who::Ben.id() })),
            ..subject(REPORTS, probe(0x2d1))
        },
        Subject {
            // A row beside the one that is the record.
            owner: Who::Dora,
            seers: vec![(Who::Eve, SETUP_ROW.to_owned())],
            ..subject(SETUP, probe(0x2a1))
        },
        Subject {
            // Who is suspended can't be seen; who is not, by everybody.
            owner: Who::Dora,
            seers: vec![(Who::Eve, Who::Anna.id())],
            eves: Some(Who::Eve.id()),
            left_behind: vec![Who::Otto.id()],
            ..subject("directus_users", Who::Dora.id())
        },
    ]
}

/// The probes on one server.
pub(super) struct World {
    /// Everybody's way to the server, with their token.
    pub hands: BTreeMap<Who, Client>,
    /// The administrator's.
    pub admin: Client,
    /// The role of those who chat.
    pub role: String,
    /// The folder of avatars.
    pub folder: Option<String>,
    /// What tells these probes from those of another run at the same time.
    mark: String,
}

impl World {
    /// Makes everybody and everything.
    pub(super) async fn make(admin: &Client, schema: &Schema) -> Result<Self, Error> {
        let state = State::read(admin, schema).await?;
        let role = chat_roles(schema, &state)
            .into_iter()
            .find_map(|role| role.id)
            .ok_or_else(|| Error::Shape("roles".to_owned(), "role of ours"))?;
        let mark = uuid::Uuid::new_v4().to_string();
        let mut hands = BTreeMap::from([(Who::Visitor, admin.with_token(None))]);
        for who in Who::PEOPLE {
            let token = secret_token();
            let person = json!({
                "id": who.id(),
                "first_name": who.name(),
                "last_name": "Verification",
                "email": who.email(),
                "role": if who == Who::Otto { Value::Null } else { json!(role) },
                "status": if who == Who::Dora { "suspended" } else { "active" },
                "location": SECRET,
                "title": mark,
                "token": token,
            });
            admin.post("users?fields=id", &person).await?;
            hands.insert(who, admin.with_token(Some(&token)));
        }
        let world = Self {
            hands,
            admin: admin.clone(),
            role,
            folder: state.folder,
            mark,
        };
        let folder = json!({ "id": foreign_folder(), "name": "Verification" });
        admin.post("folders?fields=id", &folder).await?;
        for (key, owner) in [
            (file(), Who::Anna),
            (eves_file(), Who::Eve),
            (avatar(), Who::Anna),
            (file_in_group(), Who::Anna),
        ] {
            world.make_file(&key, owner).await?;
        }
        for (collection, row) in rows() {
            let path = format!("items/{collection}?fields=id");
            admin.post(&path, &row).await?;
        }
        let (eve, ben) = (Who::Eve.id(), Who::Ben.id());
        let many = |collection, row: &dyn Fn(String) -> Value| -> Value {
            (0..EXPENDABLE)
                .map(|number| row(expendable(collection, number)))
                .collect()
        };
        let blocks = many(
            "chat_blocks",
            &|id| json!({ "id": id, "user_id": eve, "blocked_id": ben }),
        );
        let members = many(
            "chat_members",
            &|id| json!({ "id": id, "group_id": eves_group(), "user_id": ben, "role": "member" }),
        );
        admin.post("items/chat_blocks?fields=id", &blocks).await?;
        admin.post("items/chat_members?fields=id", &members).await?;
        Ok(world)
    }

    /// Whether the probes are still those that were made here.
    pub(super) async fn is_still_ours(&self) -> Result<bool, Error> {
        let path = format!("users/{}?fields=title", Who::Anna.id());
        Ok(text(&self.admin.get(&path).await?, "title").as_ref() == Some(&self.mark))
    }

    /// The way of one of them.
    pub(super) fn hand(&self, who: Who) -> &Client {
        self.hands.get(&who).unwrap_or(&self.admin)
    }

    async fn make_file(&self, key: &str, owner: Who) -> Result<(), Error> {
        let mut fields = vec![
            ("id", key.to_owned()),
            ("title", format!("{SECRET} {}", owner.name())),
        ];
        if let Some(folder) = self.folder.as_ref().filter(|_| key == avatar()) {
            fields.push(("folder", folder.clone()));
        }
        let made = self
            .admin
            .upload(&fields, "verification.png", PICTURE)
            .await?;
        if made.status >= 300 {
            return Err(Error::refused("POST", "files", &made));
        }
        // The upload has its own idea of the key and of whose it is.
        let held = made.body.get("data").and_then(|row| text(row, "id"));
        let held = held.ok_or_else(|| Error::Shape("files".to_owned(), "id"))?;
        if held != key {
            return Err(Error::Shape("files".to_owned(), "key as asked for"));
        }
        let owned = json!({ "uploaded_by": owner.id() });
        self.admin.patch(&format!("files/{key}"), &owned).await?;
        Ok(())
    }
}

/// Every row, in an order in which what is pointed to is there first.
fn rows() -> Vec<(&'static str, Value)> {
    let [anna, ben, carla, eve, fay] =
        [Who::Anna, Who::Ben, Who::Carla, Who::Eve, Who::Fay].map(Who::id);
    let at = "2026-01-01T00:00:00Z";
    let message = |key: String, sender: &str, more: Value| {
        let mut row = json!({
            "id": key, "sender_id": sender, "sender_key": sender, "timestamp": at,
            "content": if sender == Who::Eve.id() { "Of Eve" } else { SECRET },
        });
        merge(&mut row, more);
        (MESSAGES, row)
    };
    let in_group = |who: Who, group: String, more: Value| {
        let mut row =
            json!({ "id": member(who), "group_id": group, "user_id": who.id(), "role": "member" });
        merge(&mut row, more);
        ("chat_members", row)
    };
    vec![
        (
            "chat_groups",
            json!({ "id": group(), "name": SECRET, "owner_id": anna, "created_by": anna }),
        ),
        (
            "chat_groups",
            json!({ "id": eves_group(), "name": "Of Eve", "owner_id": eve, "created_by": eve }),
        ),
        in_group(
            Who::Anna,
            group(),
            json!({ "admin_id": anna, "role": "owner" }),
        ),
        in_group(
            Who::Ben,
            group(),
            json!({ "admin_id": ben, "role": "admin" }),
        ),
        in_group(Who::Carla, group(), json!({})),
        in_group(Who::Eve, eves_group(), json!({ "role": "owner" })),
        (
            "chat_groups",
            json!({ "id": ownerless_group(), "name": SECRET, "created_by": anna }),
        ),
        (
            "chat_members",
            json!({ "id": probe(0x218), "group_id": ownerless_group(), "user_id": carla, "role": "member" }),
        ),
        (
            "chat_members",
            json!({ "id": probe(0x219), "group_id": ownerless_group(), "user_id": ben, "admin_id": ben, "role": "admin" }),
        ),
        message(self::message(), &anna, json!({ "receiver_id": ben })),
        message(message_to_group(), &anna, json!({ "group_id": group() })),
        // An answer to what she can't see, and a group she is not in.
        message(
            eves_message(),
            &eve,
            json!({ "receiver_id": ben, "reply_to": self::message() }),
        ),
        message(
            eves_in_foreign_group(),
            &eve,
            json!({ "group_id": group() }),
        ),
        message(
            eves_to_suspended(),
            &eve,
            json!({ "receiver_id": Who::Dora.id() }),
        ),
        (
            "chat_attachments",
            json!({ "id": probe(0x241), "message_id": self::message(), "file": file(), "kind": "file", "meta": { "name": SECRET } }),
        ),
        (
            "chat_attachments",
            json!({ "id": probe(0x242), "message_id": eves_message(), "file": eves_file(), "kind": "file" }),
        ),
        (SETUP, json!({ "id": probe(0x2a1), "version": 1 })),
        (
            REPORTS,
            json!({ "id": probe(0x2d1), "reporter_id": anna, "about_id": ben, "message_id": self::message(), "reason": "other", "comment": SECRET, "message_text": SECRET }),
        ),
        (
            REPORTS,
            json!({ "id": probe(0x2d2), "reporter_id": eve, "about_id": ben, "reason": "other", "comment": SECRET }),
        ),
        (
            "chat_reactions",
            json!({ "id": probe(0x251), "message_id": self::message(), "user_id": anna, "emoji": SECRET }),
        ),
        (
            "chat_reactions",
            json!({ "id": probe(0x252), "message_id": eves_message(), "user_id": eve, "emoji": "x" }),
        ),
        (
            "chat_read_states",
            json!({ "id": probe(0x261), "user_id": anna, "peer_id": ben, "read_until": SECRET_TIME }),
        ),
        (
            "chat_read_states",
            json!({ "id": probe(0x262), "user_id": eve, "peer_id": ben }),
        ),
        (
            "chat_prefs",
            json!({ "id": probe(0x271), "user_id": anna, "peer_id": ben, "muted_until": SECRET_TIME, "pinned": true }),
        ),
        (
            "chat_prefs",
            json!({ "id": probe(0x272), "user_id": eve, "group_id": group() }),
        ),
        (
            "chat_typing",
            json!({ "id": probe(0x281), "user_id": anna, "peer_id": ben, "until": SECRET_TIME }),
        ),
        (
            "chat_typing",
            json!({ "id": probe(0x282), "user_id": eve, "peer_id": ben }),
        ),
        // Of a group that Eve is not in (any more).
        (
            "chat_attachments",
            json!({ "id": probe(0x243), "message_id": eves_in_foreign_group(), "file": file_in_group(), "kind": "file" }),
        ),
        (
            "chat_reactions",
            json!({ "id": probe(0x253), "message_id": eves_in_foreign_group(), "user_id": anna, "emoji": SECRET }),
        ),
        (
            "chat_read_states",
            json!({ "id": probe(0x263), "user_id": eve, "group_id": group() }),
        ),
        (
            "chat_typing",
            json!({ "id": probe(0x283), "user_id": eve, "group_id": group() }),
        ),
        (
            "chat_presence",
            json!({ "id": anna, "user_id": anna, "online": true, "hidden": true }),
        ),
        (
            "chat_presence",
            json!({ "id": ben, "user_id": ben, "online": true, "hidden": false }),
        ),
        (
            "chat_presence",
            json!({ "id": eve, "user_id": eve, "online": true, "hidden": false }),
        ),
        (
            "chat_blocks",
            json!({ "id": probe(0x291), "user_id": anna, "blocked_id": fay }),
        ),
        (
            "chat_blocks",
            json!({ "id": probe(0x292), "user_id": eve, "blocked_id": carla }),
        ),
    ]
}

/// Puts the fields of `more` into `row`.
pub(super) fn merge(row: &mut Value, more: Value) {
    if let (Value::Object(row), Value::Object(more)) = (row, more) {
        row.extend(more);
    }
}

/// A token of 244 random bits, from the keys of two random uuids.
fn secret_token() -> String {
    let half = || uuid::Uuid::new_v4().simple().to_string();
    format!("{}{}", half(), half())
}

/// A picture of one point: something that thumbnails can be made of.
const PICTURE: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1f, 0x15, 0xc4,
    0x89, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x64, 0x60, 0xf8, 0x5f,
    0x0f, 0x00, 0x02, 0x87, 0x01, 0x80, 0xeb, 0x47, 0xba, 0x92, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45,
    0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];
