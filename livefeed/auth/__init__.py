"""Authentication and authorisation.

A credential is a key (`keys`), a token (`tokens`), or a voucher that stands for one of them (`vouchers`): the session of a
browser or the one-time ticket of a WebSocket. `Authenticator` makes a `Caller` of it; `AuthMiddleware` puts that at
`scope["livefeed.caller"]` and itself, as a `livefeed.grants.Authority`, at `scope["livefeed.authority"]`. Endpoints know
only those two:

    caller: Caller = scope["livefeed.caller"]
    caller.require(Role.PUBLISH, feed)
    authority.charge(caller, len(items))        # raises TooManyRequests

A live connection asks to be told when its credential stops counting, and asks again when it is shown another one:

    leave = authority.watch(caller, lambda reason: session.end(reason))     # "expired" or "revoked": goodbye, 4401
    ...
    caller = await authority.identify(message.token)                        # the WebSocket's `token`
    leave()
    leave = authority.watch(caller, ...)

Expiry is seen within a second, revocation in any worker within about two. The callback runs on the loop and must not wait.
`leave` is called when the connection closed; more than once does no harm. Whoever runs the application runs
`Authenticator.run` beside it. From outside in, the middlewares are `ForwardedMiddleware`, `HeadersMiddleware`,
`CorsMiddleware`, `AuthMiddleware`.
"""
