using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.DemoModel;
using LlmAspire.DemoGateway.Served;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>The model's part is over, and is recorded so, before the client is sent anything from which it could know.</summary>
internal sealed record SettleStep(ServedOutcome Outcome) : AnswerStep(0);

/// <summary>The event with the finish reason.</summary>
internal sealed record FinishStep(string Reason) : AnswerStep(0);

/// <summary>An event with the usage alone, as the client is told it: not what the record says when the plan is to lie.</summary>
internal sealed record UsageStep(TokenUsage Usage) : AnswerStep(0);

/// <summary>An event that says nothing.</summary>
internal sealed record BlankStep() : AnswerStep(0);

/// <summary><c>[DONE]</c>, or the end of a body.</summary>
internal sealed record DoneStep() : AnswerStep(0);

/// <summary>Silence.</summary>
internal sealed record PauseStep(TimeSpan Duration) : AnswerStep(0);

/// <summary>Silence until the hold of this name is released.</summary>
internal sealed record HoldStep(string Name) : AnswerStep(0);

/// <summary>The end of an answer that failed: a status as long as nothing was sent, then an event without <c>[DONE]</c> after it.</summary>
internal sealed record ErrorStep(GatewayException BeforeHeaders, StreamError InStream) : AnswerStep(0);

/// <summary>The client's connection is reset.</summary>
internal sealed record ResetStep() : AnswerStep(0);

/// <summary>Another deployment goes on with the answer. In one body it begins anew, because nothing of it was shown.</summary>
internal sealed record TakeOverStep(Serving By) : AnswerStep(0);
