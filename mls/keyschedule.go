package mls

import "crypto/hpke"

// epochSecrets are the secrets of one epoch (RFC 9420 §8, table 4). The encryption secret isn't among them: the secret tree takes it.
type epochSecrets struct {
	init          Secret // of the next epoch's schedule
	senderData    Secret
	exporter      Secret
	external      Secret
	confirmation  Secret
	membership    Secret
	resumption    Secret
	authenticator Secret
}

// joinerSecret begins an epoch (RFC 9420 §8, figure 22): from the last epoch's init secret, the commit secret, and the new context.
func (s *suite) joinerSecret(init, commit Secret, context []byte) Secret {
	return s.expandWithLabel(s.extract(init, commit), "joiner", context, s.nh)
}

// memberSecret joins the pre-shared keys to the joiner secret; the welcome secret and the epoch secret come from it.
func (s *suite) memberSecret(joiner, psk Secret) Secret { return s.extract(joiner, psk) }

func (s *suite) welcomeSecret(member Secret) Secret { return s.deriveSecret(member, "welcome") }

func (s *suite) epochSecret(member Secret, context []byte) Secret {
	return s.expandWithLabel(member, "epoch", context, s.nh)
}

// epochSecrets derives what table 4 lists, and the encryption secret.
func (s *suite) epochSecrets(epoch Secret) (e epochSecrets, encryption Secret) {
	return epochSecrets{
		init:          s.deriveSecret(epoch, "init"),
		senderData:    s.deriveSecret(epoch, "sender data"),
		exporter:      s.deriveSecret(epoch, "exporter"),
		external:      s.deriveSecret(epoch, "external"),
		confirmation:  s.deriveSecret(epoch, "confirm"),
		membership:    s.deriveSecret(epoch, "membership"),
		resumption:    s.deriveSecret(epoch, "resumption"),
		authenticator: s.deriveSecret(epoch, "authentication"),
	}, s.deriveSecret(epoch, "encryption")
}

// export is MLS-Exporter (RFC 9420 §8.5).
func (s *suite) export(exporter Secret, label string, context []byte, length int) Secret {
	return s.expandWithLabel(s.deriveSecret(exporter, label), "exported", s.digest(context), length)
}

// externalKey is the key pair by which newcomers send an init secret (RFC 9420 §8).
func (s *suite) externalKey(external Secret) (hpke.PrivateKey, error) {
	return s.deriveKeyPair(external)
}

// externalInitLabel is the exporter context of RFC 9420 §8.3.
const externalInitLabel = prefix + "external init secret"

// sendInit makes an init secret for the holders of an external key (RFC 9420 §8.3).
func (s *suite) sendInit(externalPub []byte) (kemOutput []byte, init Secret, err error) {
	k, err := s.kem.NewPublicKey(externalPub)
	if err != nil {
		return nil, nil, invalid("5.1.1/hpke-key", "the external key isn't a public key of the suite")
	}
	enc, sender, err := hpke.NewSender(k, s.kdf, s.aead, nil)
	if err != nil {
		return nil, nil, invalid("5.1.1/hpke-key", "nothing can be encrypted to this key")
	}
	init, err = sender.Export(externalInitLabel, s.nh)
	if err != nil {
		return nil, nil, misuse("%v", err)
	}
	return enc, init, nil
}

// receiveInit is the other end of sendInit.
func (s *suite) receiveInit(external Secret, kemOutput []byte) (Secret, error) {
	k, err := s.externalKey(external)
	if err != nil {
		return nil, err
	}
	r, err := hpke.NewRecipient(kemOutput, k, s.kdf, s.aead, nil)
	if err != nil {
		return nil, invalid("8.3/kem-output", "the KEM output isn't one")
	}
	init, err := r.Export(externalInitLabel, s.nh)
	if err != nil {
		return nil, misuse("%v", err)
	}
	return init, nil
}

// pskSecret folds pre-shared keys into one (RFC 9420 §8.4); without any it is the zero vector.
func (s *suite) pskSecret(ids []PSKID, psks []Secret) Secret {
	out := s.zero()
	for i, id := range ids {
		var label writer // PSKLabel
		id.encode(&label)
		label.u16(uint16(i))
		label.u16(uint16(len(ids)))
		input := s.expandWithLabel(s.extract(s.zero(), psks[i]), "derived psk", label.b, s.nh)
		out = s.extract(input, out)
	}
	return out
}

// welcomeKey is the key and the nonce for a Welcome's GroupInfo (RFC 9420 §12.4.3.1).
func (s *suite) welcomeKey(welcome Secret) (key, nonce Secret) {
	return s.expandWithLabel(welcome, "key", nil, s.nk), s.expandWithLabel(welcome, "nonce", nil, s.nn)
}

// confirmedHash and interimHash are the transcript hashes (RFC 9420 §8.2).
func (s *suite) confirmedHash(interim []byte, a *authenticatedContent) []byte {
	w := writer{b: make([]byte, 0, a.content.room())} // ConfirmedTranscriptHashInput
	w.u16(uint16(a.format))
	a.content.encode(&w)
	w.opaque(a.signature)
	return s.digest(interim, w.b)
}

func (s *suite) interimHash(confirmed, confirmationTag []byte) []byte {
	var w writer // InterimTranscriptHashInput
	w.opaque(confirmationTag)
	return s.digest(confirmed, w.b)
}
