package chat

// The error codes. Each has a text and a hint in internal/i18n; a test fails for
// one that hasn't.
const (
	CodeInternal Code = "internal" // a fault of the program itself; see its log
	CodeUsage    Code = "usage"    // a command that can't be understood (detail)

	// The key and the link.
	CodeKeyFormat   Code = "key_format"   // not a key at all
	CodeKeyChecksum Code = "key_checksum" // a key with a typing error
	CodeKeyVersion  Code = "key_version"  // a key of a newer version (version)
	CodeKeyWrong    Code = "key_wrong"    // a well-formed key that this server doesn't accept
	CodeKeyNeeded   Code = "key_needed"   // unknown server and no key given
	CodeKeyOld      Code = "key_old"      // the key of an earlier generation; enrolment under it is closed
	CodeKeyUnknown  Code = "key_unknown"  // this server doesn't know its own key (restart with --data, or key made elsewhere)
	CodeLinkFormat  Code = "link_format"  // not a link

	// Invitation codes.
	CodeCodeFormat  Code = "code_format"  // not a code
	CodeCodeWord    Code = "code_word"    // a word that no code has (value, suggestion)
	CodeCodeUnknown Code = "code_unknown" // no such code here
	CodeCodeUsed    Code = "code_used"    // a code works once
	CodeCodeExpired Code = "code_expired" // a code holds for ten minutes
	CodeCodeAbsent  Code = "code_absent"  // who made the code isn't connected
	CodeCodeWrong   Code = "code_wrong"   // the two ends don't have the same words
	CodeCodeBroken  Code = "code_broken"  // the exchange was broken off
	CodeCodeTries   Code = "code_tries"   // three codes have failed: only links and QR codes
	CodeCodeLinks   Code = "code_links"   // it links a device of one's own, and invites nobody
	CodeCodeInvites Code = "code_invites" // it invites somebody, and links no device
	CodeLinkRefused Code = "link_refused" // the old device said no, or nobody answered there
	CodeNoLink      Code = "no_link"      // no device waits for an answer
	CodeDeviceAway  Code = "device_away"  // the other device isn't connected

	// Reaching a server.
	CodeResolve     Code = "resolve"      // no such host name (host)
	CodeRefused     Code = "refused"      // nothing listens there (address)
	CodeTimeout     Code = "timeout"      // no answer in time (address)
	CodeUnreachable Code = "unreachable"  // any other network failure (address)
	CodeTLS         Code = "tls"          // no TLS 1.3 with X25519MLKEM768 there (address)
	CodeNotHuisclos Code = "not_huisclos" // something else listens there (address)
	CodeNoServer    Code = "no_server"    // none found on the local network

	// Who is who.
	CodeIdentity       Code = "identity"        // the server is not the one that the key names (expected, got)
	CodeAuth           Code = "auth"            // a login that doesn't prove what it claims
	CodeVersion        Code = "version"         // no common protocol version
	CodeNameTaken      Code = "name_taken"      // belongs to another account (name)
	CodeNameLookalike  Code = "name_lookalike"  // looks like another's (name)
	CodeNameForm       Code = "name_form"       // empty, too long, control or direction characters (reason)
	CodeNameOther      Code = "name_other"      // this account has another name (name)
	CodeIdentityChange Code = "identity_change" // a person's or the server's keys are not those seen before (name)
	CodeRevoked        Code = "revoked"         // this device was revoked
	CodeSafetyForm     Code = "safety_form"     // not a safety number
	CodeSafetyOther    Code = "safety_other"    // the safety number is another one (name)
	CodePhraseWord     Code = "phrase_word"     // not one of the recovery words (number, word, nearest)
	CodePhraseLength   Code = "phrase_length"   // not 24 of them (count)
	CodePhraseChecksum Code = "phrase_checksum" // 24 of them that can't belong together
	CodePhraseNeeded   Code = "phrase_needed"   // only the account's key can do it, and it isn't on this device: the recovery phrase (reason)
	CodePhraseOther    Code = "phrase_other"    // recovery words, but not those of this account
	CodePhraseUnseen   Code = "phrase_unseen"   // the recovery phrase was never shown
	CodeListFull       Code = "list_full"       // the account's device list takes no further device
	CodeUnlisted       Code = "unlisted"        // the account's device list doesn't say who vouched for this device
	CodeNoAccount      Code = "no_account"      // the server knows no account with this key
	CodeNoBackup       Code = "no_backup"       // the server has no backup of this account
	CodeBackupDamaged  Code = "backup_damaged"  // it isn't what was sealed (reason)
	CodeBackupNewer    Code = "backup_newer"    // a backup of a newer version (version)
	CodeNoDevice       Code = "no_device"       // one's account has no such device (id)
	CodeProfileExists  Code = "profile_exists"  // this machine has a profile of that account already (name)

	// Being put out.
	CodeKicked     Code = "kicked"     // by an admin (reason)
	CodeBanned     Code = "banned"     // by an admin (reason)
	CodeSuperseded Code = "superseded" // the same device connected again
	CodeGoodbye    Code = "goodbye"    // the server stops
	CodeSlow       Code = "slow"       // the connection can't keep up or says nothing

	// Frames and limits.
	CodeFrame     Code = "frame"      // truncated, malformed or out of order
	CodeFrameType Code = "frame_type" // an unknown type of frame
	CodeTooLarge  Code = "too_large"  // over the announced size (limit)
	CodeRate      Code = "rate"       // too many of them (wait)
	CodeFull      Code = "full"       // too many connections
	CodeSame      Code = "same"       // the same message ID with other bytes
	CodeConflict  Code = "conflict"   // another Commit came first
	CodeEnvelope  Code = "envelope"   // an envelope that doesn't say what its frame says

	// Rooms.
	CodeRoomName    Code = "room_name"    // not a room name (name)
	CodeRoomUnknown Code = "room_unknown" // (name)
	CodeRoomExists  Code = "room_exists"  // (name)
	CodeRoomLimit   Code = "room_limit"   // too many rooms
	CodeNotJoined   Code = "not_joined"   // (name)
	CodeForked      Code = "forked"       // the server's log is not what members have seen (room)
	CodeRolledBack  Code = "rolled_back"  // the server has lost what it had acknowledged
	CodeUnreadable  Code = "unreadable"   // a message that can't be opened with the keys held (generation)
	CodeNotMember   Code = "not_member"   // of a private room (room)
	CodeRefilling   Code = "refilling"    // a restored server waits for what members give back of it; try again (room)
	CodeRefillOver  Code = "refill_over"  // nothing is given back to it any more (room)
	CodeNoPackage   Code = "no_package"   // nobody of that name can be added now: no device has published keys (name)
	CodeLater       Code = "later"        // something that comes with a later version
	CodeNotPrivate  Code = "not_private"  // that is for private rooms (name)
	CodeMember      Code = "member"       // is in the room already (name, room)
	CodeNotInRoom   Code = "not_in_room"  // isn't a member (name, room)
	CodeRole        Code = "role"         // this member's role doesn't allow it (name)
	CodeMuted       Code = "muted"        // a moderator has muted this member (name)
	CodeSlowMode    Code = "slow_mode"    // sooner after the text before than the room allows (name, wait)
	CodeVoid        Code = "void"         // a change of a room that breaks its rules; nothing changed (name)
	CodeMissed      Code = "missed"       // written while this device couldn't follow the room
	CodeIncomplete  Code = "incomplete"   // messages of this sender before this one are missing (name)
	CodeNoMessage   Code = "no_message"   // no message that a command could mean
	CodeEmpty       Code = "empty"        // a message without a text
	CodeExpiry      Code = "expiry"       // not a time after which a message can vanish
	CodeExpired     Code = "expired"      // a message's time was over before it could be sent
	CodeUnproven    Code = "unproven"     // nothing proves that the one named in an entry wrote it
	CodeReturning   Code = "returning"    // this device is on its way back into the room (room)
	CodeVerifying   Code = "verifying"    // who is in the room isn't verified yet (room)

	// Administration.
	CodeNoSuchPerson   Code = "no_such_person"  // (name)
	CodeNotConnected   Code = "not_connected"   // known, but absent (name)
	CodeNotBanned      Code = "not_banned"      // (name)
	CodeSelf           Code = "self"            // one can't do that to oneself
	CodeUnknownCommand Code = "unknown_command" // (command)
	CodeNotAcked       Code = "not_acked"       // no acknowledgement in time

	// What is kept.
	CodeDiskFull     Code = "disk_full"     // the server can't store
	CodeStorage      Code = "storage"       // any other failure to store or read
	CodeDataNewer    Code = "data_newer"    // a data folder of a newer version (version)
	CodeDataInUse    Code = "data_in_use"   // another process has it open (path)
	CodeDataCorrupt  Code = "data_corrupt"  // a data folder that doesn't check (path)
	CodeVaultCorrupt Code = "vault_corrupt" // a vault that was changed outside the program (path)
	CodeVaultNewer   Code = "vault_newer"   // (version)
	CodeVaultLocked  Code = "vault_locked"  // needs its passphrase
	CodeVaultInUse   Code = "vault_in_use"  // another process owns the profile (path)
	CodeVaultFull    Code = "vault_full"    // no room on the disk for the profile (path)
	CodePassphrase   Code = "passphrase"    // not the vault's passphrase (path)
	CodeKeyring      Code = "keyring"       // the system's keyring, which has the vault's key, doesn't give it (path)
	CodePortInUse    Code = "port_in_use"   // (address)
	CodePermission   Code = "permission"    // (path)
	CodeNoAdmin      Code = "no_admin"      // no admin socket answers there (path)
	CodeAdminRefused Code = "admin_refused" // not allowed in this mode (reason)
	CodeConfig       Code = "config"        // a configuration file that can't be used (path, detail)
	CodeSettingValue Code = "setting_value" // a setting that can't have this value (name, value)
	CodeSettingNeeds Code = "setting_needs" // a setting that needs another one (name, needs)
)

var classes = map[Code]Class{
	CodeUsage: Usage, CodeSettingValue: Usage, CodeSettingNeeds: Usage, CodeUnknownCommand: Usage, CodeRoomName: Usage,

	CodeResolve: Unreachable, CodeRefused: Unreachable, CodeTimeout: Unreachable, CodeUnreachable: Unreachable,
	CodeTLS: Unreachable, CodeNotHuisclos: Unreachable, CodeNoServer: Unreachable, CodeFull: Unreachable, CodeGoodbye: Unreachable,

	CodeKeyFormat: Identity, CodeKeyChecksum: Identity, CodeKeyVersion: Identity, CodeKeyWrong: Identity,
	CodeKeyNeeded: Identity, CodeKeyOld: Identity, CodeLinkFormat: Identity, CodeIdentity: Identity, CodeAuth: Identity,
	CodeIdentityChange: Identity, CodeSafetyOther: Identity,
	CodePhraseWord: Identity, CodePhraseLength: Identity, CodePhraseChecksum: Identity, CodePhraseNeeded: Identity, CodePhraseOther: Identity, CodeNoAccount: Identity, CodeBackupDamaged: Identity, CodeForked: Identity, CodeRolledBack: Identity,

	CodeCodeFormat: Identity, CodeCodeWord: Identity, CodeCodeUnknown: Identity, CodeCodeUsed: Identity, CodeCodeExpired: Identity,
	CodeCodeWrong: Identity, CodeCodeTries: Identity, CodeCodeLinks: Identity, CodeCodeInvites: Identity, CodeLinkRefused: Identity, CodeCodeAbsent: Unreachable, CodeCodeBroken: Unreachable,

	CodeNameTaken: Naming, CodeNameLookalike: Naming, CodeNameForm: Naming, CodeNameOther: Naming,

	CodeKicked: Expelled, CodeBanned: Expelled, CodeRevoked: Expelled,

	CodeNotAcked: Unacknowledged, CodeDiskFull: Unacknowledged,
}

// Class returns the class of c, Other when it has none.
func (c Code) Class() Class { return classes[c] }

// Codes lists every code, for the tests that look for missing texts.
func Codes() []Code {
	return []Code{
		CodeInternal, CodeUsage,
		CodeKeyFormat, CodeKeyChecksum, CodeKeyVersion, CodeKeyWrong, CodeKeyNeeded, CodeKeyOld, CodeKeyUnknown, CodeLinkFormat,
		CodeCodeFormat, CodeCodeWord, CodeCodeUnknown, CodeCodeUsed, CodeCodeExpired, CodeCodeAbsent, CodeCodeWrong, CodeCodeBroken, CodeCodeTries,
		CodeCodeLinks, CodeCodeInvites, CodeLinkRefused, CodeNoLink, CodeDeviceAway,
		CodeResolve, CodeRefused, CodeTimeout, CodeUnreachable, CodeTLS, CodeNotHuisclos, CodeNoServer,
		CodeIdentity, CodeAuth, CodeVersion, CodeNameTaken, CodeNameLookalike, CodeNameForm, CodeNameOther, CodeIdentityChange, CodeRevoked, CodeSafetyForm, CodeSafetyOther,
		CodePhraseWord, CodePhraseLength, CodePhraseChecksum, CodePhraseNeeded, CodePhraseOther, CodePhraseUnseen, CodeListFull, CodeUnlisted, CodeNoAccount, CodeNoBackup, CodeBackupDamaged, CodeBackupNewer, CodeNoDevice, CodeProfileExists,
		CodeKicked, CodeBanned, CodeSuperseded, CodeGoodbye, CodeSlow,
		CodeFrame, CodeFrameType, CodeTooLarge, CodeRate, CodeFull, CodeSame, CodeConflict, CodeEnvelope,
		CodeRoomName, CodeRoomUnknown, CodeRoomExists, CodeRoomLimit, CodeNotJoined, CodeForked, CodeRolledBack, CodeUnreadable, CodeNotMember, CodeNoPackage, CodeLater,
		CodeRefilling, CodeRefillOver,
		CodeNotPrivate, CodeMember, CodeNotInRoom, CodeRole, CodeMuted, CodeSlowMode, CodeVoid, CodeMissed, CodeIncomplete, CodeNoMessage, CodeEmpty, CodeExpiry, CodeExpired, CodeUnproven, CodeReturning, CodeVerifying,
		CodeNoSuchPerson, CodeNotConnected, CodeNotBanned, CodeSelf, CodeUnknownCommand, CodeNotAcked,
		CodeDiskFull, CodeStorage, CodeDataNewer, CodeDataInUse, CodeDataCorrupt, CodeVaultCorrupt, CodeVaultNewer, CodeVaultLocked, CodeVaultInUse,
		CodeVaultFull, CodePassphrase, CodeKeyring,
		CodePortInUse, CodePermission, CodeNoAdmin, CodeAdminRefused, CodeConfig, CodeSettingValue, CodeSettingNeeds,
	}
}
