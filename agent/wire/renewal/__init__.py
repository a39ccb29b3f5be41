"""New keys for a station, made under its backup, safe against every crash and every replay."""

# R0 S→H psk.request {round, psk_id, backup_id}                                            H→S psk.ready {round}
# R1 S   waits for psk.ready, at most 30 s, then subscribes psk/<station>/<round>/down, which may take two minutes
# R2 S→H psk.hello  {round, backup_id, gen, n_s, mac = HMAC(K_b, PAE("renew", station, backup_id, gen, n_s, round))}
# R3 H→S psk.proof  {round, n_s, n_h, mac = HMAC(K_b, PAE("hub", TH_r))}
#    S→H psk.failed {round, code}                          the proof was wrong; nothing has changed anywhere
# R4 S→H psk.offer  {round, gen', psk_id', backup_id', box,
#                    mac = HMAC(K_b, PAE("offer", TH_r, gen', psk_id', backup_id', box))}
# R5 H   keeps it as pending, on disk, then
#    H→S psk.stored {round, gen', not_after', life_ms,
#                    mac = HMAC(K', PAE("stored", TH_r, gen', psk_id', backup_id', not_after', life_ms))}
# R6 S   compares, replaces its file, then
#    S→H psk.use    {round, psk_id', mac = HMAC(K', PAE("use", round, psk_id'))}, and comes anew with the new PSK
# R7 H   on psk.use, on a confirm under the pending PSK, or on R2 under the pending backup: pending becomes current
#    H→S auth.refused {about = round, code}
#
# R0 and psk.ready travel on the channel "auth", everything else on "psk/<round>".
#
# What holds in every moment, whatever crashes and whatever is lost, doubled, late or sent again by somebody else: the
# hub accepts the bundle that the station has on disk. For that,
#   the hub keeps current and pending, and drops the current only when the station has shown that the pending one is on
#     its disk; a pending bundle never ends by time;
#   the station replaces its file only when the hub has shown, with the new key, that it has it on disk;
#   the hub takes an offer only in the one round that is alive, whose nonce it made itself, and one in each round; a
#     new round ends the one before. An old offer can so never overwrite a newer one that the station trusts in;
#   a station that is writing its file begins nothing new, even if the link is lost, until it knows which keys it holds;
#   nothing is kept of a round but in memory: whoever crashes begins a new one under the key on disk.
#
# tests/wire/renewal walks through every state that the two tables, STATION and HUB, can reach, and finds what breaks
# when one of these rules is taken out.
