// Portkey listens on every interface and has no setting for it; in a benchmark only this machine has business with it.
const net = require('node:net')
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...rest) {
  return typeof port === 'number' ? listen.call(this, port, '127.0.0.1', ...rest.filter((it) => typeof it === 'function')) : listen.call(this, port, ...rest)
}
