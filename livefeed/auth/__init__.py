"""Authentication and authorisation.

A credential is a key (`keys`), a token (`tokens`), or a voucher that stands for one of them (`vouchers`): the session of a
browser or the one-time ticket of a WebSocket. `Authenticator` turns it into a `Caller`; `AuthMiddleware` puts that at
`scope["livefeed.caller"]` and itself, as a `livefeed.grants.Authority`, at `scope["livefeed.authority"]`. Endpoints know
only those two:

    caller: Caller = scope["livefeed.caller"]
    caller.require(Role.PUBLISH, feed)
    authority.charge(caller, len(items))        # raises TooManyRequests

A live connection watches its credential, and watches the new one when the client replaces it:

    leave = authority.watch(caller, lambda reason: session.end(reason))     # "expired" or "revoked": goodbye, 4401
    ...
    caller = await authority.identify(message.token)                        # the WebSocket's `token`
    leave()
    leave = authority.watch(caller, ...)

Expiry is noticed within a second, revocation in every worker within about two. The callback runs on the event loop and must not
block. Call `leave` when the connection has closed; calling it again has no effect. `Authenticator.run` must run beside the
application. From the outside in, the middlewares are `ForwardedMiddleware`, `HeadersMiddleware`,
`CorsMiddleware`, `AuthMiddleware`.
"""
