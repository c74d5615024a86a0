package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/go-zookeeper/zk"
)

// secure makes a session, a znode and a watch over TLS. arguments: host:port, the CA's file, the client's certificate, its key.
func secure(arguments []string) error {
	address, ca := arguments[0], arguments[1]
	pair, err := tls.LoadX509KeyPair(arguments[2], arguments[3])
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, ServerName: "localhost"}
	dial := func(network, address string, timeout time.Duration) (net.Conn, error) {
		return tls.DialWithDialer(&net.Dialer{Timeout: timeout}, network, address, config)
	}
	conn, _, err := zk.Connect([]string{address}, 10*time.Second, zk.WithDialer(dial), zk.WithLogInfo(false))
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err = conn.Create("/go", []byte("over TLS"), 0, zk.WorldACL(zk.PermAll)); err != nil {
		return err
	}
	_, _, events, err := conn.GetW("/go")
	if err != nil {
		return err
	}
	large := bytes.Repeat([]byte("x"), 900_000)
	if _, err = conn.Set("/go", large, -1); err != nil {
		return err
	}
	select {
	case <-events:
	case <-time.After(20 * time.Second):
		return fmt.Errorf("no event")
	}
	data, _, err := conn.Get("/go")
	if err != nil || !bytes.Equal(data, large) {
		return fmt.Errorf("%d bytes, %v", len(data), err)
	}
	return conn.Delete("/go", -1)
}
