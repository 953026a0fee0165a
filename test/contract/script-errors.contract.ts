import { facts, refused } from './support/commands.js';
import { withEngine } from './support/engine.js';

withEngine('Scripts: errors and limits', (engine) => {
  facts(engine, {
    'pcall answers the error, call raises it': [
      ['SET a text', 'OK'],
      [
        ['EVAL', "local r = redis.pcall('LPUSH', KEYS[1], 'x') return r.err", '1', 'a'],
        'WRONGTYPE Operation against a key holding the wrong kind of value',
      ],
      [
        ['EVAL', "return redis.pcall('INCR', KEYS[1])", '1', 'a'],
        refused('ERR value is not an integer or out of range'),
      ],
      [
        ['EVAL', "local ok, e = pcall(redis.call, 'INCR', KEYS[1]) return {tostring(ok), e.err}", '1', 'a'],
        ['false'],
      ],
      [
        ['EVAL', "return redis.call('LPUSH', KEYS[1], 'x')", '1', 'a'],
        refused(
          'WRONGTYPE Operation against a key holding the wrong kind of value script: c0f4e07d13acc8c1c810243d737b96cf873d836e, on @user_script:1.',
        ),
      ],
    ],
    'what a script wrote before its error stays': [
      [
        ['EVAL', "redis.call('SET', KEYS[1], 'v') return redis.call('NOPE')", '1', 'a'],
        refused(
          'ERR Unknown Redis command called from script script: 04d967bceb6d165cd9bf3571d97107364f28ecd7, on @user_script:1.',
        ),
      ],
      ['GET a', 'v'],
    ],
    'error() answers its text with the line': [
      [
        ['EVAL', "error('oops')", '0'],
        refused(
          'ERR user_script:1: oops script: ecbfd853fb31b2d3e1c05e7dc59c79ae5f9ae363, on @user_script:1.',
        ),
      ],
      [
        ['EVAL', "local a = 1\n\nerror('third line')", '0'],
        refused(
          'ERR user_script:3: third line script: 712227197452431e1eff77495dcbc280492190f9, on @user_script:3.',
        ),
      ],
      [
        ['EVAL', 'local a = nil\nreturn a.b', '0'],
        refused(
          "ERR user_script:2: attempt to index local 'a' (a nil value) script: c9a9ec9a0b824a266ad481d5af6db2f46211f18c, on @user_script:2.",
        ),
      ],
    ],
    'globals are refused': [
      [
        ['EVAL', 'x = 1', '0'],
        refused(
          'ERR user_script:1: Attempt to modify a readonly table script: 34bce5f775de97f557a34088509c8bfe1ea17e52, on @user_script:1.',
        ),
      ],
      [
        ['EVAL', 'return x', '0'],
        refused(
          "ERR user_script:1: Script attempted to access nonexistent global variable 'x' script: 03c387736bb5cc009ff35151572cee04677aa374, on @user_script:1.",
        ),
      ],
      [
        ['EVAL', 'string.x = 1', '0'],
        refused(
          'ERR user_script:1: Attempt to modify a readonly table script: c3eb0a2a15b3d4790b323c4104029c1ae425a769, on @user_script:1.',
        ),
      ],
      [
        ['EVAL', 'redis.call = nil', '0'],
        refused(
          'ERR user_script:1: Attempt to modify a readonly table script: 2786c35ed73d3860851cf52e0b5dfbbc0bdb4803, on @user_script:1.',
        ),
      ],
    ],
    'commands that a script may not call': [
      [
        ['EVAL', "return redis.call('SUBSCRIBE', 'c')", '0'],
        refused(
          'ERR This Redis command is not allowed from script script: fa2d76c712f187fcf5e66d07e8d0bf47c3687b4b, on @user_script:1.',
        ),
      ],
      [
        ['EVAL', "return redis.call('MULTI')", '0'],
        refused(
          'ERR This Redis command is not allowed from script script: ba922d924f6e7808414359ed93c37767dd0532ce, on @user_script:1.',
        ),
      ],
      [
        ['EVAL', "return redis.call('EVAL', 'return 1', 0)", '0'],
        refused(
          'ERR This Redis command is not allowed from script script: 51af7d9e69c8a140be715186c1d9c1fa012744cf, on @user_script:1.',
        ),
      ],
      [
        ['EVAL', 'return redis.call()', '0'],
        refused(
          'ERR Please specify at least one argument for this redis lib call script: 0a907e1429221a4d85516cab7fd219a82a9439d8, on @user_script:1.',
        ),
      ],
      [
        ['EVAL', "return redis.call('NOPE')", '0'],
        refused(
          'ERR Unknown Redis command called from script script: 19965f96bed2e953a3424cfa591695dc2a3e81db, on @user_script:1.',
        ),
      ],
      [
        ['EVAL', "return redis.call('SET', 'a', {})", '0'],
        refused(
          'ERR Lua redis lib command arguments must be strings or integers script: 0e4a8d20a88fe1cf82a45e92784e4ad1be5b76e9, on @user_script:1.',
        ),
      ],
    ],
    'blocking commands do not block inside a script': [
      [
        ['EVAL', "return redis.call('BLPOP', KEYS[1], 0)", '1', 'missing'],
        refused(
          'ERR This Redis command is not allowed from script script: 09f017854e6a19992d9775bee62f27fa183c0f5b, on @user_script:1.',
        ),
      ],
      [
        ['EVAL', "return redis.call('XREAD', 'BLOCK', 0, 'STREAMS', KEYS[1], '0')", '1', 'missing'],
        refused(
          'ERR XREAD command is not allowed with BLOCK option from scripts script: 19f56986e6216dd8e65f68ff93a3136a5c3d5a46, on @user_script:1.',
        ),
      ],
    ],
    'after a refused blocking read in a script the server still serves': [
      [
        ['EVAL', "return redis.pcall('XREAD', 'BLOCK', 10, 'STREAMS', KEYS[1], '$').err", '1', 'x'],
        'ERR XREAD command is not allowed with BLOCK option from scripts',
      ],
      ['XADD x 1-1 a 1', '1-1'],
      ['PING', 'PONG'],
    ],
    'EVAL_RO refuses to write': [
      [['EVAL_RO', "return redis.call('GET', KEYS[1])", '1', 'missing'], null],
      [
        ['EVAL_RO', "return redis.call('SET', KEYS[1], 'v')", '1', 'a'],
        refused(
          'ERR Write commands are not allowed from read-only scripts. script: 219bb33e7c6773035c720850383aa2ebb63d9904, on @user_script:1.',
        ),
      ],
      ['EXISTS a', 0],
    ],
    'a #!lua header is understood, with its flags': [
      [['EVAL', "#!lua\nreturn 'plain'", '0'], 'plain'],
      [
        ['EVAL', "#!lua flags=no-writes\nreturn redis.pcall('SET', KEYS[1], 'v').err", '1', 'a'],
        'ERR Write commands are not allowed from read-only scripts.',
      ],
      [['EVAL', '#!lua flags=no-writes,allow-stale\nreturn 1', '0'], 1],
      [
        ['EVAL', "#!lua\nerror('second line')", '0'],
        refused(
          'ERR user_script:2: second line script: 0872fca342afa5e001a036de56d6f49a0ce80e9a, on @user_script:2.',
        ),
      ],
      [['EVAL', '#!lua flags=nope\nreturn 1', '0'], refused('ERR Unexpected flag in script shebang: nope')],
      [['EVAL', '#!lua name=x\nreturn 1', '0'], refused('ERR Unknown lua shebang option: name=x')],
      [['EVAL', '#!js\nreturn 1', '0'], refused('ERR Unexpected engine in script shebang: #!js')],
    ],
  });
});
