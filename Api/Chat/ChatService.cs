using System.Text.Json;
using System.Threading.RateLimiting;
using LlmAspire.Api.Chat.Groups;
using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Conversations.Data;
using LlmAspire.Api.Data;
using LlmAspire.Api.Http;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Plans;
using LlmAspire.Api.Prompts;
using LlmAspire.Api.Tools;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Api.Chat;

/// <summary>Makes runs out of requests that were found good.</summary>
internal sealed class ChatService(
    TenantContext tenants,
    ConversationPath paths,
    PromptLibrary prompts,
    ChatRuns runs,
    AnswerGroups groups,
    IRunJournal journal,
    RunTable table,
    ToolDirectory tools,
    ToolInvoker invoker,
    IModelCatalog catalog,
    RunningCalls instance,
    PostgresState postgres,
    IOptions<DurabilityOptions> durability,
    IOptions<AccountingOptions> accounting,
    IOptions<PlanOptions> plans,
    TimeProvider time,
    ILogger<ChatRun> logger)
{
    private const int FallbackTitleCharacters = 60;

    private const string GoOn = "Your answer was cut off. Go on exactly where it stopped: repeat nothing, and add no introduction.";

    /// <summary>Begins to answer, or says why not.</summary>
    /// <param name="lease">The caller's place among the concurrent runs: the run's, once there is one.</param>
    public async Task<(ChatRun? Run, ProblemHttpResult? Problem)> SendAsync(
        ChatRequest request,
        ChatModel model,
        IReadOnlyList<ChatTool> tools,
        Caller caller,
        RateLimitLease lease,
        HttpContext context,
        CancellationToken cancellationToken) =>
        await FindPlaceAsync(request, context, cancellationToken) is (var place, var problem) && place is null
            ? (null, problem)
            : (Start(Plan(request, model, tools, caller, Problems.TraceId(context), place), lease), null);

    /// <summary>Begins several answers to one message, or says why not.</summary>
    /// <param name="operation">What the calls are made for.</param>
    /// <param name="check">What the first good answer has to pass, which stops the others; null when all are wanted.</param>
    /// <param name="leases">The caller's places among the concurrent runs, one a model: the runs', once there are any.</param>
    public async Task<(AnswerGroup? Group, ProblemHttpResult? Problem)> SendTogetherAsync(
        ChatRequest request,
        IReadOnlyList<ChatModel> models,
        IReadOnlyList<ChatTool> tools,
        UsageOperation operation,
        AnswerCheck? check,
        Caller caller,
        IReadOnlyList<RateLimitLease> leases,
        HttpContext context,
        CancellationToken cancellationToken)
    {
        var (place, problem) = await FindPlaceAsync(request, context, cancellationToken);
        if (place is null)
        {
            return (null, problem);
        }

        List<RunPlan> answers = [.. models.Select(model => Plan(request, model, tools, caller, Problems.TraceId(context), place))];
        return (groups.Start(
            [.. answers.Select((plan, index) => Create(Together(plan, answers[0], operation, caller, index)))], leases, check), null);
    }

    /// <summary>What the model would be told, or why it would not.</summary>
    public async Task<(IReadOnlyList<ChatMessage>? Messages, ProblemHttpResult? Problem)> ReadAsync(
        ChatRequest request, ChatModel model, HttpContext context, CancellationToken cancellationToken) =>
        await FindPlaceAsync(request, context, cancellationToken) is (var place, var problem) && place is null ? (null, problem) : (Messages(request, model, place), null);

    /// <summary>Goes on with an answer that was interrupted or stopped, or says why not.</summary>
    /// <param name="validate">Null when the caller may use the answer's model.</param>
    /// <param name="lease"><inheritdoc cref="SendAsync" path="/param[@name='lease']"/></param>
    public Task<(ChatRun? Run, ProblemHttpResult? Problem)> ContinueAsync(
        Guid runId,
        Func<string?, ProblemHttpResult?> validate,
        Caller caller,
        RateLimitLease lease,
        HttpContext context,
        CancellationToken cancellationToken) => TryReadAsync<ChatRun>(
        context,
        async token =>
        {
            if (await tenants.Runs.AsNoTracking().SingleOrDefaultAsync(row => row.Id == runId, token) is not { } stored)
            {
                return (null, ChatProblems.RunUnknown(context));
            }

            var path = await paths.ReadAsync(stored.ConversationId, stored.MessageId, token);
            if (path is not [.., var user, var answer])
            {
                return (null, ChatProblems.RunUnknown(context));
            }

            if (validate(answer.Model) is { } problem)
            {
                return (null, problem);
            }

            var requestId = Guid.CreateVersion7(time.GetUtcNow());
            if (!await table.ContinueAsync(runId, stored.Attempt, instance.InstanceId, requestId, token))
            {
                return (null, ChatProblems.NotContinuable(context));
            }

            var model = catalog.FindModel(answer.Model!);
            var prompt = await tenants.Conversations.Where(row => row.Id == stored.ConversationId).Select(row => row.Prompt).SingleOrDefaultAsync(token);
            var chat = paths.ToChat(path, prompt, model?.SupportsTools != false);
            // After the results of tools a model goes on of itself.
            if (chat is [.., { Role: var last }] && last == ChatRole.Assistant)
            {
                chat.Add(new ChatMessage(ChatRole.User, GoOn));
            }

            return (Start(new RunPlan(
                runId, stored.Attempt + 1, Context(caller, stored.ConversationId, requestId, answer.Model!), stored.ConversationId, user.Id, answer.Id,
                Problems.TraceId(context), answer.Content, chat, null, null)
            {
                Tools = Bind(await StillAsync(stored.Tools, model, caller, token), caller),
                EarlierTools = ToolCalls.Read(answer.Tools, isOver: true),
            }, lease), null);
        },
        cancellationToken);

    private Task<IReadOnlyList<ChatTool>> StillAsync(string? names, ChatModel? model, Caller caller, CancellationToken cancellationToken) =>
        tools.FindStillAsync(names is null ? [] : JsonSerializer.Deserialize<List<string>>(names)!, model, caller, cancellationToken);

    private RunTools? Bind(IReadOnlyList<ChatTool> found, Caller caller) =>
        found is [] ? null : new RunTools(found, new ToolCaller(caller.UserId, caller.OrgId), invoker);

    private ChatRun Start(RunPlan plan, RateLimitLease lease)
    {
        var run = Create(plan);
        runs.Start(run, lease);
        return run;
    }

    private ChatRun Create(RunPlan plan) => new(plan, journal, accounting.Value.SettleTimeout, time, logger);

    private Task<(Place?, ProblemHttpResult?)> FindPlaceAsync(ChatRequest request, HttpContext context, CancellationToken cancellationToken) =>
        request.ConversationId is { } conversationId
            ? TryReadAsync(context, token => FindPlaceAsync(conversationId, request, context, token), cancellationToken)
            : request.PromptId is { } promptId
                ? TryReadAsync(
                    context,
                    async token => await prompts.CopyAsync(promptId, token) is { } prompt
                        ? (new Place(null, null, [], prompt), null)
                        : ((Place?)null, PromptProblems.Unknown(context)),
                    cancellationToken)
                : Task.FromResult<(Place?, ProblemHttpResult?)>((new Place(null, null, [], null), null));

    private async Task<(Place?, ProblemHttpResult?)> FindPlaceAsync(
        Guid conversationId, ChatRequest request, HttpContext context, CancellationToken cancellationToken)
    {
        if (await tenants.Conversations.AsNoTracking().SingleOrDefaultAsync(row => row.Id == conversationId, cancellationToken) is not { } conversation)
        {
            return (null, ChatProblems.ConversationUnknown(context));
        }

        var parentId = request.ParentMessageId is not { } asked ? conversation.CurrentMessageId : asked == conversationId ? null : asked;
        if (await paths.ReadAsync(conversationId, parentId, cancellationToken) is not { } path)
        {
            return (null, ChatProblems.MessageUnknown(context));
        }

        if (request.Message is null && path is not [.., { Role: MessageRole.User }])
        {
            return (null, Problems.Create(
                context, StatusCodes.Status400BadRequest, "message_empty", "The message is empty.",
                "Send text in the property message; without it parentMessageId has to be a message of the user."));
        }

        return path is [.., { Status: MessageStatus.Running }]
            ? (null, Problems.Create(
                context, StatusCodes.Status409Conflict, "answer_running", "The answer before is still being made.",
                "Wait until it has ended, or stop it with DELETE /chat/runs/{id}."))
            : (new Place(conversation, parentId, path, conversation.Prompt), null);
    }

    private RunPlan Plan(ChatRequest request, ChatModel model, IReadOnlyList<ChatTool> tools, Caller caller, string traceId, Place place)
    {
        var now = time.GetUtcNow();
        var conversationId = place.Conversation?.Id ?? Guid.CreateVersion7(now);
        var userMessageId = request.Message is null ? place.ParentId!.Value : Guid.CreateVersion7(now);
        // Messages are listed by their ids: an answer after its question.
        var messageId = Guid.CreateVersion7(now.AddMilliseconds(1));
        var runId = Guid.CreateVersion7(now);
        var context = Context(caller, conversationId, Guid.CreateVersion7(now), model.Id);
        return new RunPlan(
            runId, 1, context, conversationId, userMessageId, messageId, traceId, "", Messages(request, model, place),
            new RunStart(
                runId, instance.InstanceId, context.RequestId, caller.OrgId, caller.UserId, conversationId,
                place.Conversation is null ? FallbackTitle(request.Message!) : null,
                userMessageId, request.Message, request.Message is null ? null : place.ParentId, messageId, model.Id, traceId, now)
            {
                Prompt = place.Conversation is null ? place.Prompt : null,
                Tools = tools is [] ? null : JsonSerializer.Serialize(tools.Select(tool => tool.Name)),
            },
            new RunForgotten(
                conversationId, place.Conversation is null, request.Message is null ? null : userMessageId, place.Conversation?.CurrentMessageId))
        {
            Tools = Bind(tools, caller),
        };
    }

    /// <summary>An answer beside the first: of one request, to one message. What one of them fails with takes nothing back.</summary>
    private RunPlan Together(RunPlan plan, RunPlan first, UsageOperation operation, Caller caller, int index)
    {
        var context = Context(caller, first.ConversationId, first.Context.RequestId, plan.Context.ModelAlias, operation);
        // Messages are listed by their ids: the answers in the order of their models.
        var messageId = Guid.CreateVersion7(plan.Start!.At.AddMilliseconds(1 + index));
        return plan with
        {
            Context = context,
            ConversationId = first.ConversationId,
            UserMessageId = first.UserMessageId,
            MessageId = messageId,
            // Whichever begins first, the conversation and the message are there: what is there already stays.
            Start = plan.Start with
            {
                RequestId = context.RequestId,
                ConversationId = first.ConversationId,
                UserMessageId = first.UserMessageId,
                MessageId = messageId,
                Together = true,
            },
            Forgotten = null,
        };
    }

    private List<ChatMessage> Messages(ChatRequest request, ChatModel model, Place place)
    {
        var chat = paths.ToChat(place.Path, place.Prompt, model.SupportsTools != false);
        if (request.Message is { } message)
        {
            chat.Add(new ChatMessage(ChatRole.User, message));
        }

        return chat;
    }

    private CallContext Context(Caller caller, Guid conversationId, Guid requestId, string model, UsageOperation operation = UsageOperation.Chat) => new()
    {
        UserId = caller.UserId,
        OrgId = caller.OrgId,
        ApiKeyId = caller.ApiKeyId,
        RequestId = requestId,
        ConversationId = conversationId,
        Operation = operation,
        ModelAlias = model,
        AllowanceLimit = plans.Value[caller.OrgPlan].TokensPerMonth,
    };

    private static string FallbackTitle(string message)
    {
        var line = string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        // Not half a character.
        var end = line.Length <= FallbackTitleCharacters ? line.Length
            : FallbackTitleCharacters - (char.IsHighSurrogate(line[FallbackTitleCharacters - 1]) ? 1 : 0);
        return line[..end];
    }

    /// <summary>An existing conversation cannot be gone on with while it cannot be read.</summary>
    private async Task<(T? Result, ProblemHttpResult? Problem)> TryReadAsync<T>(
        HttpContext context, Func<CancellationToken, Task<(T?, ProblemHttpResult?)>> read, CancellationToken cancellationToken)
        where T : class
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(durability.Value.PostgresPatience);
        try
        {
            return postgres.IsAway ? (null, ChatProblems.ConversationUnavailable(context)) : await read(patience.Token);
        }
        catch (Exception exception) when (DatabaseAwayException.IsMeantBy(exception) || exception is NpgsqlException or OperationCanceledException
            && !cancellationToken.IsCancellationRequested)
        {
            return (null, ChatProblems.ConversationUnavailable(context));
        }
    }

    /// <summary>Where in a conversation a message goes.</summary>
    /// <param name="Conversation">Null when it is new.</param>
    /// <param name="ParentId">Null at its beginning.</param>
    /// <param name="Prompt">What the model is told first.</param>
    private sealed record Place(Conversation? Conversation, Guid? ParentId, IReadOnlyList<Message> Path, PromptCopy? Prompt);
}
