//! Judges every record that the daemon makes: that it stands for nobody who is there already, and for nobody who was deleted.

use std::collections::BTreeSet;

use dafater_contactsd::sync::Side;
use jiff::{SignedDuration, Timestamp};

use super::book::{Gone, differ};
use super::picture::{Id, Picture, Seen};
use super::scene::Scene;
use super::watch::{PROPAGATION, made_of};

/// Judges that `id` was made, and learns of whom.
pub fn judge_creation(scene: &mut Scene, id: &Id, seen: &Seen, before: &Picture) {
    scene.book.names.insert((id.0, seen.name.clone()), id.clone());
    scene.book.accounts.insert(id.clone(), seen.account);
    scene.book.created_as.insert(id.clone(), vec![seen.contact.clone()]);
    if scene.is_undoing {
        judge_rebirth(scene, id, seen, before);
        return;
    }
    let source = match id.0 {
        Side::Google => made_of(&seen.json),
        Side::Dafater => seen.json["google_contacts_id"]
            .as_str()
            .and_then(|name| scene.book.names.get(&(Side::Google, name.to_owned())).cloned()),
    };
    let Some(source) = source else {
        scene.violate("no duplicates", format!("{id:?} was created without a marker"));
        return;
    };
    let violations = Creation::new(scene, id, &source, seen, before).judge();
    for (law, what) in violations {
        scene.violate(law, what);
    }
    judge_orphan(scene, id, &source, before);
    scene.book.made.insert(id.clone(), source);
}

type Violation = (&'static str, String);

/// A record that was made of another.
struct Creation<'a> {
    scene: &'a Scene,
    id: &'a Id,
    source: &'a Id,
    seen: &'a Seen,
    before: &'a Picture,
    /// Who came back too late for a look before the creation.
    just_back: BTreeSet<&'a Id>,
}

impl<'a> Creation<'a> {
    fn new(scene: &'a Scene, id: &'a Id, source: &'a Id, seen: &'a Seen, before: &'a Picture) -> Self {
        // Who restores a contact while it is made anew comes too late for the look before it: nothing locks what is not there.
        let seen_until = seen_until(scene, id, scene.setting.list_delay);
        // So does who restores it within the time in which Google may still list who was deleted.
        let is_listed = |gone: &Gone, restored| restored < gone.at + PROPAGATION;
        let is_back = |gone: &Gone| {
            gone.restored.is_some_and(|restored| restored >= seen_until || is_listed(gone, restored))
        };
        let just_back = scene.book.gone.iter().filter(|(_, gone)| is_back(gone)).map(|(id, _)| id).collect();
        Self { scene, id, source, seen, before, just_back }
    }

    fn judge(&self) -> Vec<Violation> {
        let partners = self.partners();
        let doubled = partners.iter().filter_map(|partner| self.judge_partner(partner, &partners));
        self.judge_twin().into_iter().chain(doubled).collect()
    }

    /// Nobody is made of one source twice. Each account has a copy of its own.
    fn judge_twin(&self) -> Option<Violation> {
        let Self { scene, id, source, seen, before, just_back } = self;
        let is_same = |other: &Id| {
            id.0 == Side::Dafater || before.0.get(other).is_none_or(|other| other.account == seen.account)
        };
        let is_its = |made: &Id| !self.has_come_back() || !has_moved_on(scene, made, source);
        let mut made = scene.book.made.iter().filter(|(_, from)| from == source).map(|(made, _)| made);
        let twin = made.find(|made| before.0.contains_key(made) && is_same(made) && is_its(made))?;
        // LIMIT: a copy that the site hides from us cannot be known again when its receipt was lost.
        (!scene.is_hiding && !just_back.contains(twin)).then(|| {
            ("no duplicates", format!("{source:?} was carried over twice: to {twin:?} and to {id:?}"))
        })
    }

    /// Nobody is made for whom a counterpart is there, or was deleted by a person.
    fn judge_partner(&self, partner: &Id, partners: &[&Id]) -> Option<Violation> {
        let Self { scene, id, source, before, just_back, .. } = self;
        if before.0.contains_key(partner) {
            let is_excused =
                just_back.contains(partner) || self.is_out_of_sight(partner) || self.is_out_of_sight(source);
            return (!is_excused).then(|| {
                ("no duplicates", format!("{source:?} is paired with {partner:?}, and {id:?} was created"))
            });
        }
        let gone = scene.book.gone.get(partner)?;
        // LIMIT: who restores a contact that the list still shows as deleted, and deletes its document meanwhile, seems to restore it after
        // that.
        let shown = scene.book.gone.get(source).map(|source| source.restored.map(|at| at + scene.list_lag));
        let came_back = !self.is_replaced(partner, gone, partners)
            && !self.met_late(partner, gone)
            && !gone.had_news
            && !scene.book.was_edited_after(source, gone.at)
            && !scene.book.was_carried_after(source, gone.at)
            && shown.is_none_or(|shown| shown < Some(gone.seen))
            && gone.at < scene.cycle_began
            && !scene.in_doubt.contains(partner);
        came_back.then(|| {
            let what =
                format!("{partner:?} was deleted by a person, and came back as {id:?} from {source:?}");
            ("no resurrection", what)
        })
    }

    /// With whom the source ever was paired, and may be still as far as the daemon can know.
    fn partners(&self) -> Vec<&'a Id> {
        let Self { scene, id, source, seen, .. } = self;
        let book = &scene.book;
        let is_own =
            |partner: &Id| id.0 == Side::Dafater || book.accounts.get(partner) == Some(&seen.account);
        // LIMIT: who restores a contact while an edit brings it back has it twice, and is asked: the look before the creation could not know.
        let seen_until = seen_until(scene, id, scene.setting.get_delay);
        let is_unseen = |partner: &Id| {
            book.gone.get(partner).and_then(|gone| gone.restored).is_some_and(|at| at > seen_until)
        };
        let has_left = |partner: &Id| self.has_come_back() && has_moved_on(scene, partner, source);
        // LIMIT: that two are two, as whoever undid their match said, is forgotten when one of them is deleted.
        let is_two = self.has_come_back() && scene.had_undo && scene.pairs_of(source).is_empty();
        let is_free = |partner: &Id| !(is_unseen(partner) || has_left(partner) || is_two);
        let ever = book.partners.get(*source).into_iter().flatten();
        ever.filter(|partner| is_own(partner) && is_free(partner)).collect()
    }

    fn has_come_back(&self) -> bool {
        self.scene.book.gone.get(self.source).is_some_and(|gone| gone.restored.is_some())
    }

    fn paired_at(&self, partner: &Id) -> Option<Timestamp> {
        let (google, dafater) =
            if self.id.0 == Side::Google { (partner, self.source) } else { (self.source, partner) };
        self.scene.book.paired_at.get(&(google.clone(), dafater.clone())).copied()
    }

    /// Where an edit brought one back that was deleted, it is the one in its place whose deletion counts.
    fn is_replaced(&self, partner: &Id, gone: &Gone, partners: &[&Id]) -> bool {
        let is_since = |other: &Id| self.paired_at(other).is_some_and(|at| at > gone.at);
        partners.iter().any(|other| *other != partner && is_since(other))
    }

    /// LIMIT: a document that stood alone and was renamed while the site hid it is not known again: it looks like one that was deleted.
    fn is_out_of_sight(&self, id: &Id) -> bool {
        let is_renamed = self.before.0.get(id).is_some_and(|seen| seen.name.starts_with("Renamed "));
        self.scene.book.hidden.contains(id) && is_renamed
    }

    /// LIMIT: what Google still shows of a contact, though somebody took it back, is news to a document that was deleted before they met.
    /// So is what a document says to a contact that Google still shows, though it is deleted.
    fn met_late(&self, partner: &Id, gone: &Gone) -> bool {
        let Self { scene, source, .. } = self;
        let is_late = |at: Timestamp| at < gone.at && gone.at < at + scene.list_lag;
        let was_taken_back =
            || scene.book.touches.iter().any(|(touched, at)| touched == *source && is_late(*at));
        (partner.0 == Side::Google || was_taken_back())
            && self.paired_at(partner).is_some_and(|met| met > gone.at)
    }
}

/// Until when a cycle can have seen what happened on the side where `id` is made.
fn seen_until(scene: &Scene, id: &Id, delay_at_google: u32) -> Timestamp {
    let lag = if id.0 == Side::Google { delay_at_google } else { 0 };
    scene.cycle_began - SignedDuration::from_secs(lag.into())
}

/// Whether a record that stood alone while its `former` counterpart was deleted is another's by now: two of one person were entered.
fn has_moved_on(scene: &Scene, record: &Id, former: &Id) -> bool {
    let accounts = &scene.book.accounts;
    let others = scene.pairs_of(record).into_iter().map(|(_, _, other)| other);
    let is_another = |other: &Id| other != former && accounts.get(other) == accounts.get(former);
    others.into_iter().any(|other| is_another(&other))
}

/// A copy that was never known to be one, because its receipt was lost, brings nobody back either.
fn judge_orphan(scene: &mut Scene, id: &Id, source: &Id, before: &Picture) {
    let book = &scene.book;
    let Some(origin) = book.made.get(source).filter(|_| !book.partners.contains_key(source)) else { return };
    // To another account it is a document like any other.
    if id.0 == Side::Google && book.accounts.get(origin) != book.accounts.get(id) {
        return;
    }
    let is_gone =
        book.gone.get(origin).is_some_and(|gone| gone.restored.is_none() && gone.at < scene.cycle_began);
    let is_touched = book.touches.iter().any(|(touched, _)| touched == source)
        || book.gone.contains_key(source)
        || scene.separated.contains(source);
    if is_gone && !is_touched && !before.0.contains_key(origin) {
        let what =
            format!("{origin:?} was deleted by a person, and came back as {id:?} from its copy {source:?}");
        scene.violate("no resurrection", what);
    }
}

/// An undo may only create what is not there.
fn judge_rebirth(scene: &mut Scene, id: &Id, seen: &Seen, before: &Picture) {
    let twin = before.of_side(id.0).find(|(other, twin)| {
        let is_held = scene.book.reborn.contains(*other);
        is_held && twin.account == seen.account && !differ(&twin.contact, &seen.contact)
    });
    if let Some((twin, _)) = twin.filter(|_| !scene.is_hiding && !seen.contact.is_empty()) {
        let what = format!("{id:?} was put back though {twin:?}, which was put back before, stands");
        scene.violate("no duplicates", what);
    }
    scene.book.reborn.insert(id.clone());
    // Of which record it is made matters to nobody: it has its place in a pair of its own.
    scene.book.made.insert(id.clone(), (id.0.other(), format!("what {} was", id.1)));
}
