"""The vendors' official SDKs as clients of the gateway, each as a program, and what is asked of every one."""
