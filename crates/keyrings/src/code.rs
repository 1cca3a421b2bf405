//! Why this host refuses, where the element has no word for it.

sceau_element_api::problem_codes! {
    BodySlow, "body_slow", 408, Caller,
        "The body took too long", "It may take 10 seconds to arrive: send it again.";
    RequestsWait, "requests_wait", 429, Caller,
        "As many requests of this provider wait for this holder as may", "Wait until the holder answers, or the requests end.";
    RequestsMany, "requests_many", 429, Caller,
        "As many requests of this provider wait as may, for all holders", "Wait until some are answered, or end: each ends within ten minutes.";
    HolderBusy, "holder_busy", 429, Caller,
        "As many requests wait for this holder as may", "Ask again in a few minutes: each ends within ten minutes.";
    AskedOften, "asked_often", 429, Caller,
        "This provider asked this holder too often", "Ask again in an hour.";
    RequestUnknown, "request_unknown", 404, Caller,
        "There is no such request here, or it is gone", "Requests and what became of them are kept for a day after they end.";
    RequestOther, "request_other", 409, Caller,
        "Another request has this id", "Draw a new id for each request.";
    RequestSettled, "request_settled", 409, Caller,
        "The request was answered, or has ended", "Ask the provider for another.";
    RoleOther, "role_other", 403, Caller,
        "The certificate is not registered for this role", "The security officer registers who acts, and in which role.";
}
