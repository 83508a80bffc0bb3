package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/keyfile"
	"mirrornet/pkg/vouch"
)

func (n *node) ready() error {
	if s := n.edge.Status(); s.State != "serving" {
		return errors.New(s.State)
	}
	return nil
}

// reload re-reads region files, keys and the certificate.
func (n *node) reload() error {
	err := n.regions.Reload()
	if n.cert != nil {
		err = errors.Join(err, n.cert.Reload(time.Now()))
	}
	if n.gossip != nil && n.config.keyFile != "" {
		keys, kerr := readKeys(n.config.keyFile)
		if kerr == nil {
			kerr = n.gossip.SetKeys(keys)
		}
		if kerr == nil {
			kerr = n.setHopKeys(keys)
		}
		err = errors.Join(err, kerr)
	}
	err = errors.Join(err, n.setClientKeys())
	n.edge.Refresh()
	return err
}

func (n *node) reloadOnHangup(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-hup:
			if err := n.reload(); err != nil {
				n.logger.Error("reload refused; what was in force stays", "error", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// setHopKeys makes the keys of hops from those of gossip.
func (n *node) setHopKeys(gossip [][]byte) error {
	keys, err := fetch.NewHopKeys(gossip)
	if err == nil {
		n.hopKeys.Store(keys)
		n.keys.Store(&gossip)
	}
	return err
}

// setClientKeys reads the keys by which origins believe for whom this node asks.
func (n *node) setClientKeys() error {
	if n.config.originKeyFile == "" {
		return nil
	}
	secrets, err := keyfile.Read(n.config.originKeyFile)
	if err != nil {
		return err
	}
	keys, err := vouch.New(secrets)
	if err == nil {
		n.vouch.Store(keys)
	}
	return err
}

func readKeys(file string) ([][]byte, error) {
	if file == "" {
		return nil, nil
	}
	return keyfile.Read(file)
}
