"""A small life in conversations, with questions about it and remarks that concern none of it."""

CONVERSATIONS: dict[str, list[tuple[str, str]]] = {
    "Trip to Rome": [
        ("user", "We are flying to Rome on the 14th of May and stay five nights near Termini."),
        (
            "assistant",
            "Lovely! Book the Colosseum ahead; the Borghese gallery needs a time slot too.",
        ),
        ("user", "I am allergic to peanuts, so restaurants need care."),
        (
            "assistant",
            "Noted. In Italian: sono allergico alle arachidi. Most trattorias label nuts.",
        ),
        ("user", "What should we see on a rainy day?"),
        (
            "assistant",
            "The Capitoline Museums, the Pantheon, and San Clemente with its layers below.",
        ),
    ],
    "Bread": [
        ("user", "My sourdough starter is called Gerald and lives in the fridge."),
        ("assistant", "Feed Gerald weekly with equal weights of flour and water."),
        ("user", "How much salt goes into a loaf of 900 grams of flour?"),
        ("assistant", "About 18 grams, two percent of the flour."),
    ],
    "Work": [
        ("user", "Our billing service is written in Go and runs on Kubernetes in Frankfurt."),
        ("assistant", "Then a rolling deployment with readiness probes will do."),
        ("user", "The deadline for the audit is the third of September."),
        ("assistant", "I suggest freezing features two weeks before, around the 20th of August."),
    ],
    "Family": [
        ("user", "My daughter Ida turns seven on the 2nd of March and loves octopuses."),
        ("assistant", "An aquarium visit could be just the thing."),
        ("user", "My brother Tomas moved to Lisbon last year to work as a carpenter."),
        ("assistant", "That sounds like a big change for him."),
        ("user", "Please remember that my dentist is Dr. Okafor, phone 555 0182."),
        ("assistant", "I have noted that."),
    ],
    "Garden": [
        ("user", "The tomatoes on the balcony have brown spots on their lower leaves."),
        ("assistant", "Probably early blight: remove those leaves and water at the root."),
        ("user", "I planted lavender and thyme beside the south wall."),
        ("assistant", "Both like dry soil; do not water them much."),
    ],
    "Running": [
        ("user", "I ran the half marathon in 1:52:10 and want to get under 1:45."),
        ("assistant", "Add one tempo run a week and keep the long run easy."),
        ("user", "My left knee hurts after more than twelve kilometres."),
        (
            "assistant",
            "See a physiotherapist; meanwhile shorten your stride and strengthen the hips.",
        ),
    ],
    "Reading": [
        ("user", "My favourite novel is The Left Hand of Darkness."),
        ("assistant", "A classic; you may like The Dispossessed as well."),
    ],
    "Car": [
        ("user", "The car is a blue 2014 Skoda Octavia with 162,000 km on it."),
        ("assistant", "At that mileage have the timing belt checked."),
    ],
    "Asked before": [
        ("user", "Do you remember what I am allergic to?"),
        ("assistant", "You are allergic to peanuts."),
        ("user", "Where does my brother live these days, and what is his job?"),
        ("assistant", "In Lisbon, as a carpenter."),
        ("user", "Do you know which knee it was that is bad?"),
    ],
    "Deutsch": [
        ("user", "Meine Schwester wohnt in Freiburg und studiert Forstwissenschaft."),
        ("assistant", "Freiburg ist bekannt für dieses Fach."),
    ],
    "中文": [
        ("user", "我对花生过敏，最喜欢的菜是麻婆豆腐。"),
        ("assistant", "好的，我会记住。"),
    ],
}

QUESTIONS: list[tuple[str, str]] = [
    ("What am I allergic to?", "I am allergic to peanuts"),
    ("Which foods should I avoid because of my allergy?", "I am allergic to peanuts"),
    ("When do we fly to Rome?", "We are flying to Rome"),
    ("where are we staying in Rome?", "We are flying to Rome"),
    ("what's my sourdough starter's name", "My sourdough starter is called Gerald"),
    ("Who is Gerald?", "My sourdough starter is called Gerald"),
    ("Which language is the billing service in?", "Our billing service is written in Go"),
    ("When is the audit due?", "The deadline for the audit"),
    ("How old will my daughter be?", "My daughter Ida turns seven"),
    ("Give me a present idea for Ida's birthday", "My daughter Ida turns seven"),
    ("Where does my brother live now?", "My brother Tomas moved"),
    ("What is Tomas's job?", "My brother Tomas moved"),
    ("what is the phone number of my dentist?", "my dentist is Dr. Okafor"),
    ("What was wrong with my tomato plants?", "The tomatoes on the balcony"),
    ("What herbs did I plant by the wall?", "I planted lavender and thyme"),
    ("What was my half marathon time?", "I ran the half marathon"),
    ("which knee is the bad one?", "My left knee hurts"),
    ("What is my favourite book?", "My favourite novel"),
    ("What car do I drive?", "The car is a blue 2014 Skoda"),
    ("How many kilometres does the Octavia have?", "The car is a blue 2014 Skoda"),
    ("When did you suggest freezing features?", "I suggest freezing features"),
    ("Wo wohnt meine Schwester?", "Meine Schwester wohnt"),
    ("我对什么过敏？", "我对花生过敏"),
    ("what did I say about lavender", "I planted lavender and thyme"),
]

UNRELATED: list[str] = [
    "hi",
    "Hello there, how are you today?",
    "thanks!",
    "What is 17 * 23?",
    "Write a haiku about autumn leaves falling.",
    "What time is it in Tokyo?",
    "Explain how photosynthesis works",
    "Translate 'good morning' into Japanese",
    "Convert 5 miles to meters",
    "Who won the world cup in 1998?",
    "def fib(n): return n if n < 2 else fib(n-1) + fib(n-2)",
    "Tell me a joke",
    "What can you do?",
    "Summarise the French Revolution in three sentences.",
    "Describe this picture",
    "What does this error mean: IndexError: list index out of range",
    "Read me the text in the image",
    "How many days are there between 2026-01-01 and 2026-03-05?",
]
