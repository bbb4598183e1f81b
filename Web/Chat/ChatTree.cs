using LlmAspire.Web.Conversations;

namespace LlmAspire.Web.Chat;

/// <summary>All that was said in a conversation, with its branches. Used on the circuit's dispatcher only.</summary>
internal sealed class ChatTree
{
    private readonly ChatBranches<ChatExchange> _beginnings = new();

    /// <summary>The branch that is shown, from its beginning.</summary>
    public IReadOnlyList<ChatExchange> Shown
    {
        get
        {
            List<ChatExchange> path = [];
            for (var exchange = _beginnings.Shown; exchange is not null; exchange = exchange.Answer?.Next.Shown)
            {
                path.Add(exchange);
            }

            return path;
        }
    }

    /// <summary>Every answer, on whatever branch.</summary>
    public IEnumerable<ChatAnswer> Answers => Exchanges(_beginnings).SelectMany(exchange => exchange.Answers.All);

    /// <summary>The versions of a message.</summary>
    public ChatBranches<ChatExchange> VersionsOf(ChatExchange exchange) => exchange.Previous?.Next ?? _beginnings;

    /// <summary>Adds a message after an answer (null: at the beginning) and shows it.</summary>
    public ChatExchange Add(string message, ChatAnswer? previous)
    {
        var exchange = new ChatExchange(message, previous);
        (previous?.Next ?? _beginnings).Add(exchange);
        return exchange;
    }

    public static ChatTree From(Conversation conversation)
    {
        var tree = new ChatTree();
        Dictionary<Guid, ChatExchange> exchanges = [];
        Dictionary<Guid, ChatAnswer> answers = [];
        foreach (var message in conversation.Messages)
        {
            if (message.Role == StoredMessage.User)
            {
                var exchange = tree.Add(message.Content, message.ParentId is { } before ? answers.GetValueOrDefault(before) : null);
                exchange.MessageId = message.Id;
                exchanges[message.Id] = exchange;
            }
            else if (message.ParentId is { } asked && exchanges.TryGetValue(asked, out var exchange))
            {
                var answer = ChatAnswer.From(message);
                exchange.Answers.Add(answer);
                answers[message.Id] = answer;
            }
        }

        var parents = conversation.Messages.ToDictionary(message => message.Id, message => message.ParentId);
        for (var id = conversation.CurrentMessageId; id is { } one; id = parents.GetValueOrDefault(one))
        {
            if (exchanges.TryGetValue(one, out var exchange))
            {
                tree.VersionsOf(exchange).Show(exchange);
            }
            else if (answers.TryGetValue(one, out var answer) && parents[one] is { } asked)
            {
                exchanges[asked].Answers.Show(answer);
            }
        }

        return tree;
    }

    private static IEnumerable<ChatExchange> Exchanges(ChatBranches<ChatExchange> branches)
    {
        Stack<ChatExchange> left = new(branches.All);
        while (left.TryPop(out var exchange))
        {
            yield return exchange;
            foreach (var next in exchange.Answers.All.SelectMany(answer => answer.Next.All))
            {
                left.Push(next);
            }
        }
    }
}
