//! The words that people and businesses are made of, by place.
//!
//! Each word stands beside its Latin form, from which addresses and domains are made.

/// A word as it is written, and in plain ASCII.
pub(super) type Word = (&'static str, &'static str);

/// Where somebody lives: how names, numbers and companies look there.
#[derive(Debug)]
pub(super) struct Place {
    /// Country code of its telephone numbers.
    pub(super) country: u16,
    /// First digits of mobile numbers.
    pub(super) mobile: &'static [&'static str],
    /// First digits of other numbers.
    pub(super) landline: &'static [&'static str],
    /// How many digits follow them, for mobile and other numbers.
    pub(super) digits: (usize, usize),
    /// Given names.
    pub(super) given: &'static [Word],
    /// Family names.
    pub(super) family: &'static [Word],
    /// What comes before a company's own word, and after it.
    pub(super) company: (&'static str, &'static [Word]),
    /// The companies' own words.
    pub(super) trade: &'static [Word],
    /// Cities with their postal code.
    pub(super) cities: &'static [(&'static str, &'static str)],
}

/// Where people live. Saudi Arabia stands thrice: in Arabic, in Latin letters, and in both.
pub(super) static PLACES: [Place; 6] = [
    Place {
        country: 966,
        mobile: SAUDI_MOBILE,
        landline: SAUDI_LANDLINE,
        digits: (7, 7),
        given: ARABIC_GIVEN,
        family: SAUDI_FAMILY,
        company: ("شركة", ARABIC_COMPANY),
        trade: ARABIC_TRADE,
        cities: &[("الرياض", "11564"), ("جدة", "21442"), ("الدمام", "31411"), ("الخبر", "31952")],
    },
    Place {
        country: 966,
        mobile: SAUDI_MOBILE,
        landline: SAUDI_LANDLINE,
        digits: (7, 7),
        given: GULF_GIVEN,
        family: GULF_FAMILY,
        company: ("", GULF_COMPANY),
        trade: GULF_TRADE,
        cities: &[("Riyadh", "11564"), ("Jeddah", "21442"), ("Dammam", "31411"), ("Al Khobar", "31952")],
    },
    Place {
        country: 966,
        mobile: SAUDI_MOBILE,
        landline: SAUDI_LANDLINE,
        digits: (7, 7),
        given: ARABIC_GIVEN,
        family: GULF_FAMILY,
        company: ("", ARABIC_COMPANY),
        trade: GULF_TRADE,
        cities: &[("الرياض Riyadh", "11564"), ("مكة المكرمة", "24231")],
    },
    Place {
        country: 20,
        mobile: &["100", "101", "106", "111", "112", "122", "127", "155"],
        landline: &["22", "23", "24"],
        digits: (7, 7),
        given: ARABIC_GIVEN,
        family: EGYPTIAN_FAMILY,
        company: ("مؤسسة", ARABIC_COMPANY),
        trade: ARABIC_TRADE,
        cities: &[("القاهرة", "11511"), ("الإسكندرية", "21500"), ("الجيزة", "12511")],
    },
    Place {
        country: 49,
        mobile: &["1511", "170", "171", "175"],
        landline: &["30", "40", "89", "69"],
        digits: (7, 7),
        given: GERMAN_GIVEN,
        family: GERMAN_FAMILY,
        company: ("", &[("GmbH", "gmbh"), ("GmbH & Co. KG", "kg"), ("AG", "ag"), ("e. K.", "ek")]),
        trade: GERMAN_TRADE,
        cities: &[
            ("Hamburg", "20095"),
            ("München", "80331"),
            ("Köln", "50667"),
            ("Frankfurt am Main", "60311"),
        ],
    },
    Place {
        country: 44,
        mobile: &["7712", "7815", "7911", "7400"],
        landline: &["207", "161", "121"],
        digits: (6, 7),
        given: BRITISH_GIVEN,
        family: BRITISH_FAMILY,
        company: ("", &[("Ltd", "ltd"), ("& Sons", "sons"), ("PLC", "plc"), ("Partners LLP", "llp")]),
        trade: BRITISH_TRADE,
        cities: &[("London", "EC1A 1BB"), ("Manchester", "M1 1AE"), ("Leeds", "LS1 4DY")],
    },
];

const SAUDI_MOBILE: &[&str] = &["50", "53", "54", "55", "56", "58", "59"];
const SAUDI_LANDLINE: &[&str] = &["11"];

const ARABIC_GIVEN: &[Word] = &[
    ("محمد", "mohammed"),
    ("ليلى", "layla"),
    ("عبدالله", "abdullah"),
    ("نورة", "noura"),
    ("خالد", "khalid"),
    ("فاطمة", "fatima"),
    ("سلطان", "sultan"),
    ("هند", "hind"),
    ("يوسف", "yousef"),
    ("مريم", "maryam"),
    ("عمر", "omar"),
    ("سارة", "sara"),
    ("إبراهيم", "ibrahim"),
    ("ريم", "reem"),
    ("طارق", "tariq"),
    ("جواهر", "jawaher"),
    ("بدر", "badr"),
    ("شيماء", "shaimaa"),
    ("زياد", "ziad"),
];
const GULF_GIVEN: &[Word] = &[
    ("Mohammed", "mohammed"),
    ("Layla", "layla"),
    ("Abdulrahman", "abdulrahman"),
    ("Nouf", "nouf"),
    ("Khalid", "khalid"),
    ("Hessa", "hessa"),
    ("Faisal", "faisal"),
    ("Dana", "dana"),
    ("Rajesh", "rajesh"),
    ("Priya", "priya"),
    ("Imran", "imran"),
    ("Maria Clara", "maria.clara"),
    ("Turki", "turki"),
    ("Wafa", "wafa"),
    ("Saud", "saud"),
    ("Ghada", "ghada"),
    ("Zubair", "zubair"),
];
const SAUDI_FAMILY: &[Word] = &[
    ("العتيبي", "alotaibi"),
    ("القحطاني", "alqahtani"),
    ("الحربي", "alharbi"),
    ("الدوسري", "aldossari"),
    ("الغامدي", "alghamdi"),
    ("الزهراني", "alzahrani"),
    ("الشمري", "alshammari"),
    ("آل سعود", "alsaud"),
    ("بن لادن", "binladin"),
    ("المطيري", "almutairi"),
    ("السبيعي", "alsubaie"),
    ("الراجحي", "alrajhi"),
    ("باوزير", "bawazir"),
];
const GULF_FAMILY: &[Word] = &[
    ("Al-Otaibi", "alotaibi"),
    ("Al Qahtani", "alqahtani"),
    ("AlHarbi", "alharbi"),
    ("bin Dossari", "bindossari"),
    ("Menon", "menon"),
    ("Iyer", "iyer"),
    ("Chaudhry", "chaudhry"),
    ("dela Cruz", "delacruz"),
    ("Haddad", "haddad"),
    ("Khoury", "khoury"),
    ("Barakat", "barakat"),
    ("Yılmaz", "yilmaz"),
    ("Saleh", "saleh"),
];
const EGYPTIAN_FAMILY: &[Word] = &[
    ("عبد الرحمن", "abdelrahman"),
    ("السيد", "elsayed"),
    ("المصري", "elmasry"),
    ("حسنين", "hassanein"),
    ("شاهين", "shahin"),
    ("النجار", "elnaggar"),
    ("فهمي", "fahmy"),
    ("منصور", "mansour"),
    ("غالي", "ghali"),
    ("صبري", "sabry"),
    ("الشناوي", "elshenawy"),
];
const GERMAN_GIVEN: &[Word] = &[
    ("Jürgen", "juergen"),
    ("Anneliese", "anneliese"),
    ("Björn", "bjoern"),
    ("Käthe", "kaethe"),
    ("Hans-Peter", "hans-peter"),
    ("Özlem", "oezlem"),
    ("Friedrich", "friedrich"),
    ("Sabine", "sabine"),
    ("Uwe", "uwe"),
    ("Ingrid", "ingrid"),
    ("Matthias", "matthias"),
    ("Zoë", "zoe"),
    ("Wolfgang", "wolfgang"),
];
const GERMAN_FAMILY: &[Word] = &[
    ("Müller", "mueller"),
    ("Schröder", "schroeder"),
    ("von der Heide", "vonderheide"),
    ("Weiß", "weiss"),
    ("Grünwald", "gruenwald"),
    ("Kowalski", "kowalski"),
    ("Jäger", "jaeger"),
    ("Hoffmann-Lange", "hoffmann-lange"),
    ("Petersen", "petersen"),
    ("Dąbrowski", "dabrowski"),
    ("Fuchs", "fuchs"),
];
const BRITISH_GIVEN: &[Word] = &[
    ("Oliver", "oliver"),
    ("Siobhán", "siobhan"),
    ("Priyanka", "priyanka"),
    ("Alasdair", "alasdair"),
    ("Mary Ann", "mary.ann"),
    ("Nigel", "nigel"),
    ("Chloë", "chloe"),
    ("Dafydd", "dafydd"),
    ("Harriet", "harriet"),
    ("Jean-Luc", "jean-luc"),
    ("Tamsin", "tamsin"),
];
const BRITISH_FAMILY: &[Word] = &[
    ("O'Connor", "oconnor"),
    ("MacGregor", "macgregor"),
    ("Smith", "smith"),
    ("Featherstonehaugh", "featherstonehaugh"),
    ("Llewellyn", "llewellyn"),
    ("Patel", "patel"),
    ("Wright", "wright"),
    ("Brontë", "bronte"),
    ("Taylor-Joy", "taylor-joy"),
    ("Hughes", "hughes"),
    ("Nkemelu", "nkemelu"),
    ("Ashdown", "ashdown"),
    ("Quigley", "quigley"),
];
const ARABIC_COMPANY: &[Word] = &[
    ("للتجارة", "trading"),
    ("للمقاولات", "contracting"),
    ("للخدمات اللوجستية", "logistics"),
    ("للأغذية", "foods"),
    ("وأولاده", "sons"),
    ("للتقنية", "tech"),
    ("للعطور 🌹", "perfumes"),
];
const ARABIC_TRADE: &[Word] = &[
    ("النور", "alnoor"),
    ("الفجر", "alfajr"),
    ("الواحة", "alwaha"),
    ("نجد", "najd"),
    ("الخليج", "alkhaleej"),
    ("البحر الأحمر", "redsea"),
    ("الصقر", "alsaqr"),
    ("الريان", "alrayyan"),
    ("المدينة", "almadina"),
    ("النخيل", "alnakheel"),
    ("السلام", "alsalam"),
    ("الأمل", "alamal"),
    ("الهرم", "alharam"),
];
const GULF_COMPANY: &[Word] = &[
    ("Trading Est.", "trading"),
    ("Co. W.L.L.", "wll"),
    ("Contracting", "contracting"),
    ("Group Holding", "group"),
    ("for Import & Export", "import"),
    ("Factory", "factory"),
];
const GULF_TRADE: &[Word] = &[
    ("Al Noor", "noor"),
    ("Desert Rose", "desertrose"),
    ("Najd", "najdco"),
    ("Gulf Star", "gulfstar"),
    ("Red Sea", "redseaco"),
    ("Falcon", "falcon"),
    ("Al-Waha", "waha"),
    ("Hijaz", "hijaz"),
    ("Dana Pearl", "danapearl"),
    ("Tuwaiq", "tuwaiq"),
    ("Empty Quarter", "emptyquarter"),
    ("Oasis", "oasis"),
    ("Sidra", "sidra"),
];
const GERMAN_TRADE: &[Word] = &[
    ("Müller Maschinenbau", "mueller-maschinenbau"),
    ("Nordsee Logistik", "nordsee-logistik"),
    ("Bäckerei Jäger", "baeckerei-jaeger"),
    ("Alpen Feinkost", "alpen-feinkost"),
    ("Elbtal Werkzeuge", "elbtal"),
    ("Schwarzwald Holz", "schwarzwald"),
    ("Rheingold Chemie", "rheingold"),
    ("Hanse Kontor", "hanse-kontor"),
    ("Blitz Elektro ⚡", "blitz-elektro"),
    ("Isar Medizintechnik", "isar-med"),
    ("Ostsee Fisch", "ostsee"),
];
const BRITISH_TRADE: &[Word] = &[
    ("Thames Shipping", "thames-shipping"),
    ("Highland Wool", "highland-wool"),
    ("Café Brontë ☕", "cafe-bronte"),
    ("Pennine Steel", "pennine"),
    ("Cotswold Dairy", "cotswold"),
    ("Albion Freight", "albion"),
    ("Mersey Marine", "mersey"),
    ("Kestrel Optics", "kestrel"),
    ("Lakeland Paper", "lakeland"),
    ("Foundry 🏭 Row", "foundry-row"),
    ("Penrose & Vale", "penrose"),
];

/// Job titles with the department that goes with each.
pub(super) const JOBS: &[(&str, &str)] = &[
    ("Managing Director", ""),
    ("Procurement Manager", "Procurement"),
    ("مدير المبيعات", "المبيعات"),
    ("Accountant", "Finance & Accounts"),
    ("محاسب أول", "المالية"),
    ("Sales Engineer", "Sales"),
    ("Einkaufsleiter", "Einkauf"),
    ("Geschäftsführerin", ""),
    ("Warehouse Supervisor", "Logistics"),
    ("مهندس مشاريع", "الهندسة"),
    ("Head of R&D", "Research & Development"),
    ("Executive Assistant", "Office of the CEO"),
    ("Key Account Manager", "Sales – GCC"),
];

/// A title that no field of 140 characters holds.
pub(super) const LONG_TITLE: &str = "Senior Vice President for Strategic Procurement, Supplier Relations and Contract Administration \
    – Kingdom of Saudi Arabia, Arab Republic of Egypt, Levant and the wider Gulf Region (acting)";

/// What people put before and behind names.
pub(super) const EMOJI: &[&str] = &["🌸", "⭐", "👩‍💻", "🇸🇦", "☕", "🚚"];

/// Middle names.
pub(super) const MIDDLES: &[&str] = &["A.", "بن علي", "Maria", "bin Fahd", "J.", "عبد العزيز"];
