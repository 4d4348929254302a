//! Faults at the HTTP boundary: lost answers, wrong statuses, cut bodies, delays.
//!
//! A list of rules stands between a client and a model. The same rules serve with a socket ([`super::serve`]) and without one.
//!
//! Law: a fault says whether the model handled the request, because that is what a client must not guess.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;

use super::Model;

/// The faults that are switched on.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<Rule>,
    struck: u64,
}

/// What comes back of a request.
#[derive(Debug)]
pub enum Exchange {
    /// An answer, after a delay if there is one.
    Answer(Response<Bytes>, Option<Duration>),
    /// The connection ends without an answer.
    NoAnswer {
        /// Whether the request reached the model, and so was acted upon.
        sent: bool,
    },
}

/// One fault: which requests it strikes, and what it does to them.
#[derive(Debug)]
pub struct Rule {
    method: Option<Method>,
    path: Option<String>,
    when: When,
    matched: u64,
    effect: Effect,
}

/// Which of the matching requests are struck, counted from 1 since the rule was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// All of them.
    Always,
    /// The nth only.
    Nth(u64),
    /// Each nth.
    Every(u64),
    /// The next n.
    Next(u64),
}

/// What a fault does.
pub enum Effect {
    /// The request never arrives: not handled, no answer.
    DropBefore,
    /// The request is handled, the answer is lost.
    DropAfter,
    /// Another answer than the model's.
    Answer {
        /// The answer.
        response: Response<Bytes>,
        /// Whether the model handles the request all the same.
        handled: bool,
    },
    /// The answer's body ends after this many bytes.
    TruncateBody(usize),
    /// The answer comes late.
    Delay(Duration),
    /// The answer is rewritten.
    Mutate(Box<dyn FnMut(Response<Bytes>) -> Response<Bytes> + Send>),
}

impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DropBefore => write!(f, "DropBefore"),
            Self::DropAfter => write!(f, "DropAfter"),
            Self::Answer { response, handled } => {
                write!(f, "Answer({}, handled: {handled})", response.status())
            }
            Self::TruncateBody(length) => write!(f, "TruncateBody({length})"),
            Self::Delay(delay) => write!(f, "Delay({delay:?})"),
            Self::Mutate(_) => write!(f, "Mutate"),
        }
    }
}

impl Effect {
    /// An answer with this status, content type and body.
    #[must_use]
    pub fn status(status: StatusCode, content_type: &'static str, body: &str, handled: bool) -> Self {
        let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self::Answer { response, handled }
    }

    /// 503 with a JSON body in Google's envelope.
    #[must_use]
    pub fn unavailable(handled: bool) -> Self {
        let body = r#"{"error":{"code":503,"message":"The service is currently unavailable.","status":"UNAVAILABLE"}}"#;
        Self::status(StatusCode::SERVICE_UNAVAILABLE, "application/json; charset=UTF-8", body, handled)
    }

    /// 500 with a JSON body in Google's envelope.
    #[must_use]
    pub fn internal_error(handled: bool) -> Self {
        let body = r#"{"error":{"code":500,"message":"Internal error encountered.","status":"INTERNAL"}}"#;
        Self::status(StatusCode::INTERNAL_SERVER_ERROR, "application/json; charset=UTF-8", body, handled)
    }

    /// 502 with the HTML page of a proxy.
    #[must_use]
    pub fn bad_gateway(handled: bool) -> Self {
        let body = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>\
                    </center>\r\n</body>\r\n</html>\r\n";
        Self::status(StatusCode::BAD_GATEWAY, "text/html", body, handled)
    }

    /// 429, with `Retry-After` if one is given; not handled.
    #[must_use]
    pub fn too_many_requests(retry_after: Option<Duration>) -> Self {
        let mut response = Response::new(Bytes::from_static(b"Too Many Requests"));
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        if let Some(delay) = retry_after {
            response
                .headers_mut()
                .insert(HeaderName::from_static("retry-after"), HeaderValue::from(delay.as_secs()));
        }
        Self::Answer { response, handled: false }
    }

    /// Halves the list under `key` in a JSON answer and takes the page token away, so that it looks like a shorter list that is complete; a total stays as it was.
    #[must_use]
    pub fn short_page(key: &'static str) -> Self {
        Self::Mutate(Box::new(move |response| halve(response, key)))
    }
}

impl Rule {
    /// A rule for all requests.
    #[must_use]
    pub fn new(effect: Effect) -> Self {
        Self { method: None, path: None, when: When::Always, matched: 0, effect }
    }

    /// Only requests of this method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Only requests whose path and query contain this text.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Only some of the matching requests.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Counts a matching request; whether it is struck.
    fn strikes(&mut self, request: &Request<Bytes>) -> bool {
        let method = self.method.as_ref().is_none_or(|method| method == request.method());
        let path = self.path.as_ref().is_none_or(|part| {
            request.uri().path_and_query().is_some_and(|path| path.as_str().contains(part.as_str()))
        });
        if !method || !path {
            return false;
        }
        self.matched += 1;
        match self.when {
            When::Always => true,
            When::Nth(n) => self.matched == n,
            When::Every(n) => n > 0 && self.matched.is_multiple_of(n),
            When::Next(n) => self.matched <= n,
        }
    }
}

impl Faults {
    /// No faults.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Switches a fault on. Where several rules strike one request, their effects follow each other in the order of the rules; the
    /// first that keeps it from the model decides that it is not handled.
    pub fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// Switches all faults off.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// How many requests were struck so far.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.struck
    }

    /// Sends a request to the model through the faults.
    pub fn exchange(&mut self, model: &mut dyn Model, request: &Request<Bytes>, now: Timestamp) -> Exchange {
        let mut effects: Vec<&mut Effect> = Vec::new();
        for rule in &mut self.rules {
            if rule.strikes(request) {
                effects.push(&mut rule.effect);
            }
        }
        if effects.is_empty() {
            return Exchange::Answer(model.handle(request, now), None);
        }
        self.struck += 1;
        if effects.iter().any(|effect| matches!(effect, Effect::DropBefore)) {
            return Exchange::NoAnswer { sent: false };
        }
        let kept_away = effects.iter().find_map(|effect| match effect {
            Effect::Answer { response, handled: false } => Some(response.clone()),
            Effect::DropBefore
            | Effect::DropAfter
            | Effect::Answer { .. }
            | Effect::TruncateBody(_)
            | Effect::Delay(_)
            | Effect::Mutate(_) => None,
        });
        let mut response = kept_away.unwrap_or_else(|| model.handle(request, now));
        let mut delay: Option<Duration> = None;
        for effect in effects {
            match effect {
                Effect::DropBefore | Effect::Answer { handled: false, .. } => {}
                Effect::DropAfter => return Exchange::NoAnswer { sent: true },
                Effect::Answer { response: other, handled: true } => response = other.clone(),
                Effect::TruncateBody(length) => {
                    let length = (*length).min(response.body().len());
                    let body = response.body().slice(..length);
                    *response.body_mut() = body;
                }
                Effect::Delay(more) => delay = Some(delay.unwrap_or_default() + *more),
                Effect::Mutate(rewrite) => response = rewrite(response),
            }
        }
        Exchange::Answer(response, delay)
    }
}

fn halve(response: Response<Bytes>, key: &str) -> Response<Bytes> {
    let Ok(mut answer) = serde_json::from_slice::<serde_json::Value>(response.body()) else {
        return response;
    };
    if let Some(list) = answer.get_mut(key).and_then(serde_json::Value::as_array_mut) {
        list.truncate(list.len() / 2);
    }
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("nextPageToken");
    }
    response.map(|_| answer.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with the number of requests it has handled.
    #[derive(Default)]
    struct Counter(u64);

    impl Model for Counter {
        fn handle(&mut self, _: &Request<Bytes>, _: Timestamp) -> Response<Bytes> {
            self.0 += 1;
            Response::new(
                format!("{{\"connections\":[1,2,3,4],\"nextPageToken\":\"x\",\"n\":{}}}", self.0).into(),
            )
        }
    }

    struct World {
        faults: Faults,
        model: Counter,
    }

    impl World {
        fn with(rule: Rule) -> Self {
            let mut faults = Faults::none();
            faults.add(rule);
            Self { faults, model: Counter::default() }
        }

        /// What became of a request, in a word.
        fn send(&mut self, method: &str, path: &str) -> String {
            let request = Request::builder().method(method).uri(path).body(Bytes::new()).unwrap();
            match self.faults.exchange(&mut self.model, &request, Timestamp::UNIX_EPOCH) {
                Exchange::Answer(response, delay) => {
                    format!(
                        "{}{}",
                        response.status().as_u16(),
                        delay.map_or_else(String::new, |d| format!(" after {d:?}"))
                    )
                }
                Exchange::NoAnswer { sent } => format!("nothing, sent: {sent}"),
            }
        }
    }

    #[test]
    fn a_request_is_lost_on_its_way_there_or_back() {
        let mut world = World::with(Rule::new(Effect::DropBefore).when(When::Next(1)));
        world.faults.add(Rule::new(Effect::DropAfter).when(When::Nth(2)));
        assert_eq!(world.send("POST", "/a"), "nothing, sent: false");
        assert_eq!(world.model.0, 0);
        assert_eq!(world.send("POST", "/a"), "nothing, sent: true");
        assert_eq!(world.model.0, 1);
        assert_eq!(world.send("POST", "/a"), "200");
        assert_eq!(world.faults.struck(), 2);
    }

    #[test]
    fn rules_strike_by_method_path_and_turn() {
        let rule = Rule::new(Effect::DropBefore).method(Method::GET).path("b?c").when(When::Every(2));
        let mut world = World::with(rule);
        let turns: Vec<String> = ["/a", "/b?c=1", "/b?c=2", "/b?c=3", "/b?c=4"]
            .iter()
            .map(|path| world.send("GET", path))
            .collect();
        assert_eq!(turns, ["200", "200", "nothing, sent: false", "200", "nothing, sent: false"]);
        assert_eq!(world.send("POST", "/b?c"), "200");
    }

    #[test]
    fn an_error_status_says_nothing_about_whether_the_request_was_handled() {
        let mut world = World::with(Rule::new(Effect::unavailable(true)));
        assert_eq!(world.send("POST", "/a"), "503");
        assert_eq!(world.model.0, 1);
        world.faults.clear();
        world.faults.add(Rule::new(Effect::bad_gateway(false)));
        assert_eq!(world.send("POST", "/a"), "502");
        assert_eq!(world.model.0, 1);
    }

    #[test]
    fn delays_add_up_and_bodies_are_cut() {
        let mut world = World::with(Rule::new(Effect::Delay(Duration::from_secs(1))));
        world.faults.add(Rule::new(Effect::Delay(Duration::from_secs(2))));
        assert_eq!(world.send("GET", "/a"), "200 after 3s");
        world.faults.clear();
        world.faults.add(Rule::new(Effect::TruncateBody(5)));
        let request = Request::new(Bytes::new());
        let exchange = world.faults.exchange(&mut world.model, &request, Timestamp::UNIX_EPOCH);
        let Exchange::Answer(response, None) = exchange else { panic!("{exchange:?}") };
        assert_eq!(response.body(), "{\"con");
    }

    #[test]
    fn a_short_page_looks_like_a_complete_list() {
        let mut world = World::with(Rule::new(Effect::short_page("connections")));
        let request = Request::new(Bytes::new());
        let exchange = world.faults.exchange(&mut world.model, &request, Timestamp::UNIX_EPOCH);
        let Exchange::Answer(response, None) = exchange else { panic!("{exchange:?}") };
        assert_eq!(response.body(), "{\"connections\":[1,2],\"n\":1}");
    }
}
