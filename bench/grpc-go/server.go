// SPDX-License-Identifier: Apache-2.0
// What the daemon's ListDevices stands beside: a grpc-go server on a unix socket which answers that call with a file's bytes, as they are.
//
//	grpc-go SOCKET FILE
package main

import (
	"context"
	"log"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
)

type message []byte

// asIs takes the place of grpc-go's protobuf: nothing is decoded, nothing is encoded.
type asIs struct{}

func (asIs) Name() string { return "proto" }

func (asIs) Marshal(value interface{}) ([]byte, error) { return *value.(*message), nil }

func (asIs) Unmarshal(data []byte, value interface{}) error {
	*value.(*message) = data
	return nil
}

func main() {
	bytes, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	answer := message(bytes)
	encoding.RegisterCodec(asIs{})
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "usbhostd.v1.UsbHost",
		HandlerType: (*interface{})(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: "ListDevices",
			Handler: func(_ interface{}, _ context.Context, decode func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
				var request message
				return &answer, decode(&request)
			},
		}},
	}, nil)
	ready()
	log.Fatal(server.Serve(listener))
}

// ready tells the bench, as sd_notify(3) does.
func ready() {
	manager, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	if _, err := manager.Write([]byte("READY=1")); err != nil {
		log.Fatal(err)
	}
}
