"""Where a front notes in a request's scope which of its places answers: the template, never the path."""

ROUTE = "byourside.route"
