// A second client's view of the bus: the JavaScript SDK (rhea underneath) does what the Python tests do with pyamqp.
// Usage: node bus_smoke.mjs CONNECTION_STRING. Prints one line of JSON per check; exit code 0 only if all passed.
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { ServiceBusClient } from "@azure/service-bus";

const client = new ServiceBusClient(process.argv[2], { retryOptions: { maxRetries: 0, timeoutInMs: 15000 } });
let failures = 0;

function check(name, actual, expected) {
  const passed = isDeepStrictEqual(actual, expected);
  failures += passed ? 0 : 1;
  console.log(JSON.stringify(passed ? { check: name, passed } : { check: name, passed, actual, expected }));
}

async function refusal(action) {
  try {
    await action();
    return "nothing was refused";
  } catch (error) {
    return error.code;
  }
}

const bodies = (messages) => messages.map((message) => message.body);

async function queue() {
  const sender = client.createSender("q30");
  const receiver = client.createReceiver("q30");
  const batch = await sender.createMessageBatch();
  for (let number = 0; number < 20; number++) {
    batch.tryAddMessage({ body: `m${number}`, messageId: `id${number}`, applicationProperties: { number, even: number % 2 === 0 } });
  }
  await sender.sendMessages(batch);
  const got = await receiver.receiveMessages(20, { maxWaitTimeInMs: 5000 });
  check("a batch arrives in order", bodies(got), Array.from({ length: 20 }, (_, number) => `m${number}`));
  check("properties keep their types", got[3].applicationProperties, { number: 3, even: false });
  check("a first delivery counts 0", got[0].deliveryCount, 0);
  check("the lock's end is known", got[0].lockedUntilUtc > new Date(), true);
  for (const message of got.slice(4)) await receiver.completeMessage(message);
  await receiver.abandonMessage(got[0]);
  await receiver.deferMessage(got[1]);
  await receiver.deadLetterMessage(got[2], { deadLetterReason: "poison", deadLetterErrorDescription: "why" });
  const before = got[3].lockedUntilUtc;
  check("a lock is renewed", (await receiver.renewMessageLock(got[3])) >= before, true);
  await receiver.completeMessage(got[3]);
  const [again] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5000 });
  check("an abandoned message comes back counted", [again.body, again.deliveryCount], ["m0", 1]);
  await receiver.completeMessage(again);
  const [deferred] = await receiver.receiveDeferredMessages([got[1].sequenceNumber]);
  check("a deferred message comes by number", deferred.body, "m1");
  await receiver.completeMessage(deferred);
  const deadLetters = client.createReceiver("q30", { subQueueType: "deadLetter" });
  const [dead] = await deadLetters.receiveMessages(1, { maxWaitTimeInMs: 5000 });
  check("a dead letter says why", [dead.body, dead.deadLetterReason, dead.deadLetterErrorDescription], ["m2", "poison", "why"]);
  await deadLetters.completeMessage(dead);
  check("nothing is left", await receiver.receiveMessages(1, { maxWaitTimeInMs: 200 }), []);
  await sender.sendMessages({ body: "x".repeat(200000) });
  const [large] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5000 });
  check("a large body arrives", large.body.length, 200000);
  await receiver.completeMessage(large);
  const deleting = client.createReceiver("q30", { receiveMode: "receiveAndDelete" });
  await sender.sendMessages([{ body: "gone" }]);
  check("receive-and-delete", bodies(await deleting.receiveMessages(1, { maxWaitTimeInMs: 5000 })), ["gone"]);
  const numbers = await sender.scheduleMessages([{ body: "later" }, { body: "never" }], new Date(Date.now() + 300));
  await sender.cancelScheduledMessages(numbers[1]);
  check("peeking shows what is scheduled", bodies(await receiver.peekMessages(5)), ["later"]);
  check("a scheduled message comes", bodies(await receiver.receiveMessages(2, { maxWaitTimeInMs: 5000 })), ["later"]);
}

async function subscribing() {
  const sender = client.createSender("q31");
  const receiver = client.createReceiver("q31");
  const got = [];
  const subscription = receiver.subscribe({
    processMessage: async (message) => got.push(message.body),
    processError: async (args) => got.push(args.error.message),
  });
  await sender.sendMessages([{ body: "a" }, { body: "b" }, { body: "c" }]);
  for (let waited = 0; waited < 500 && got.length < 3; waited++) await sleep(10);
  await subscription.close();
  check("a subscriber gets and completes messages", got, ["a", "b", "c"]);
}

async function topic() {
  const receiver = client.createReceiver("topic", "emea");
  await client.createSender("topic").sendMessages([
    { body: "emea", applicationProperties: { target: "emea" } },
    { body: "apac", applicationProperties: { target: "apac" } },
    { body: "all" },
  ]);
  check("rules choose", bodies(await receiver.receiveMessages(3, { maxWaitTimeInMs: 3000 })), ["emea", "all"]);
}

async function sessions() {
  await client.createSender("sessions").sendMessages([
    { body: "a1", sessionId: "a" },
    { body: "b1", sessionId: "b" },
    { body: "a2", sessionId: "a" },
  ]);
  const named = await client.acceptSession("sessions", "a");
  check("a session has its messages", bodies(await named.receiveMessages(5, { maxWaitTimeInMs: 2000 })), ["a1", "a2"]);
  check("a held session is refused", await refusal(() => client.acceptSession("sessions", "a")), "SessionCannotBeLocked");
  await named.setSessionState("state");
  check("a state is kept", (await named.getSessionState()).toString(), "state");
  check("a session's lock is renewed", (await named.renewSessionLock()) > new Date(), true);
  const next = await client.acceptNextSession("sessions");
  check("the next session is the free one", next.sessionId, "b");
  await Promise.all([named.close(), next.close()]);
}

async function refusals() {
  check("an unknown queue", await refusal(() => client.createReceiver("nowhere").receiveMessages(1)), "MessagingEntityNotFound");
  check("an unknown sender", await refusal(() => client.createSender("nowhere").sendMessages({ body: "x" })), "MessagingEntityNotFound");
}

await Promise.all([queue(), subscribing(), topic(), sessions(), refusals()]);
await client.close();
process.exit(failures === 0 ? 0 : 1);
