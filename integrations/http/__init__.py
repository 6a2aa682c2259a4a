"""What holds for every destination that speaks HTTP, whatever it is.

    bodies      a body as text and as JSON, in whatever character set; is it a web page?
    reasons     the reason that an answer gives, in whatever shape, as plain text
    exchanges   what is kept of an answer, and how long it asks to wait
    network     what it means that there was no answer at all

What an answer *means* (who must act) differs by destination, and is in its folder.
"""
