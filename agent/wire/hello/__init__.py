"""The handshake before everything else: the hub proves itself to the station, and the station to the hub."""

# A1 S→H auth.hello   {psk_id, gen, n_s, mac = HMAC(K, PAE("hello", station, psk_id, gen, n_s))}
# A2 H→S auth.proof   {n_s, n_h, not_after, mac = HMAC(K, PAE("hub", TH))}
# A3 S→H auth.confirm {n_s, n_h, mac = HMAC(K, PAE("station", TH))}
# A4 H→S auth.ok      {n_s, session, until, hub_time, roles, ice?,
#                      mac = HMAC(K, PAE("ok", TH, session, until, hub_time, role, role …))}
#                      with ice {stun, turn[], user, password, until}, the servers for direct ways, it is
#                            HMAC(K, PAE("ok+ice", TH, session, until, hub_time, I, role, role …)),
#                            I = PAE("ice", stun, PAE("turn", url, url …), user, password, until)
#    H→S auth.refused {about, code}                        about = the n_s it answers; signed, but no proof of a key
#
# All of them are sealed envelopes on the topic auth/<station>, signed with the keys of the ledger. The MACs add what a
# signature cannot: that the other side holds the PSK, now. Both nonces are in every MAC from A2 on, so nothing of an
# older conversation fits, and each label stands in one message only, so nothing fits in another place or direction.
#
# The station keeps saying its last word, byte for byte, 5, 15 and 45 seconds after it began to wait, and gives up after
# two minutes. The hub never repeats by itself: it answers the same word with the same answer. What answers an older
# word is passed over in silence, so that a replay costs nobody a conversation. What answers the present word and does
# not fit ends it: that is a hub without our key.
#
# The hub keeps at most four conversations with a station; a fifth ends the oldest, so a station that crashes on and
# on is never locked out by its own past. A confirm that answers no nonce of ours, because the hub's run that made it
# has ended, is answered "again", and the station begins anew at once. Whoever comes with the pending bundle has it on
# disk: it becomes the current one before the hub says yes.
#
# A session ends with its time, or when the hub calls it off: auth.refused about the nonce that began it, with the code
# "expired" (get new keys, then come again) or "replaced" (this key counts no more). Nothing else said about that nonce
# means anything then, so no late "again" ends a session.
#
# Everything that moves these machines is in the two tables, STATION and HUB. Only they know the phases.
