package line

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/line/edit"
)

// shortDevice is what people see of a device's ID.
func shortDevice(d chat.DeviceID) string { return d.String()[:8] }

// devices lists one's own devices, or revokes one.
func (f *face) devices(words []string, _ string) error {
	w := f.Words
	if len(words) == 0 {
		f.wait(func(ctx context.Context) (func(), error) {
			all, err := f.API.Devices(ctx)
			return func() { f.view.answer(devicesText(w, all)) }, err
		})
		return nil
	}
	if len(words) != 2 || !slices.Contains([]string{"revoke", w.T("line.revoke")}, strings.ToLower(words[0])) {
		return chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("devices"))
	}
	f.wait(func(ctx context.Context) (func(), error) {
		v, err := f.API.RevokeDevice(ctx, words[1])
		var all []client.DeviceView
		if err == nil {
			all, err = f.API.Devices(ctx)
		}
		return func() { f.view.answer(RevokedText(w, v, all)) }, err
	})
	return nil
}

// RevokedText says that a device is revoked, and which others it had let in: they aren't.
func RevokedText(w Words, v client.DeviceView, all []client.DeviceView) string {
	rows := []string{w.T("line.devices.done", "device", shortDevice(v.Device))}
	for _, o := range all {
		if o.VouchedBy == v.Device && o.Revoked.IsZero() {
			rows = append(rows, w.T("line.devices.child", "device", shortDevice(o.Device)))
		}
	}
	return strings.Join(rows, "\n")
}

func devicesText(w Words, all []client.DeviceView) string {
	rows := []string{w.T("line.devices")}
	for _, v := range all {
		id, made := DeviceName(w, v.Name, v.Device), day(w, v.Issued.Local())
		switch {
		case !v.Revoked.IsZero():
			rows = append(rows, "  "+w.T("line.devices.revoked", "device", id, "day", made, "revoked", day(w, v.Revoked.Local())))
		case v.This:
			key := w.T("line.devices.keyless")
			if v.Key {
				key = w.T("line.devices.key")
			}
			rows = append(rows, "  "+w.T("line.devices.this", "device", id, "day", made), "    "+key)
		default:
			rows = append(rows, "  "+w.T("line.devices.one", "device", id, "day", made))
		}
		if v.Absent && v.Revoked.IsZero() {
			rows = append(rows, "    "+w.T("line.devices.absent"))
		}
		if !v.VouchedBy.IsZero() {
			rows = append(rows, "    "+w.T("line.devices.by", "device", shortDevice(v.VouchedBy)))
		}
	}
	return strings.Join(append(rows, w.T("line.devices.how")), "\n")
}

// deviceAdded tells of a new device of somebody, or of one's own.
func (f *face) deviceAdded(e client.DeviceAdded) {
	w := f.Words
	if e.Mine {
		f.view.notice(w.T("line.device.mine", "device", shortDevice(e.Device), "day", day(w, e.Issued.Local())))
		return
	}
	f.view.notice(w.T("line.device.other", "name", edit.SafeLine(e.Name), "device", shortDevice(e.Device)))
}

// deviceList tells of what has changed in a list of devices, or what the server keeps back of it.
func (f *face) deviceList(e client.Event) {
	w := f.Words
	switch e := e.(type) {
	case client.DeviceRevoked:
		if e.Mine {
			f.view.notice(w.T("line.device.revoked.mine", "device", shortDevice(e.Device)))
		} else {
			f.view.notice(w.T("line.device.revoked.other", "name", edit.SafeLine(e.Name), "device", shortDevice(e.Device)))
		}
	case client.DevicesWithheld:
		id := "line.device.withheld"
		if e.Forked {
			id = "line.device.forked"
		}
		f.view.notice(w.T(id, "name", edit.SafeLine(e.Name), "have", strconv.FormatUint(e.Have, 10), "got", strconv.FormatUint(e.Got, 10)))
	}
}
